import { z } from "zod";

/** What a gateway is told where the protocol leaves a choice (docs/answers.md); keys under `relay`. */
export const answerFields = () => ({
  /** An application over its limit: the Go peer's 429, or a signed 200 with the error that PATH recognises. */
  over_limit_answer: z.enum(["status", "signed"]).default("status"),
});
