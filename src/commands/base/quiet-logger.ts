import { openLogger } from "../../runtime/ops/logger.ts";

/** For commands that print their own output: only what they cannot tell otherwise reaches stderr. */
export const quietLogger = (name: string) => openLogger({ level: "error", format: "text", name });
