import { z } from "zod";

/** How relays are recognised that were taken before; keys under `relay`. */
export const replayFields = () => ({
  /** Where a relay is remembered: in this process, in Redis for all relayers of the fleet too, or not at all. */
  replays: z.enum(["process", "fleet", "off"]).default("process"),
  /** What makes two relays the same: one signature, or one signed request whoever signed it again. */
  replays_by: z.enum(["signature", "request"]).default("signature"),
  /** Memory for what is remembered, of all sessions together. */
  replay_memory_mb: z.number().int().min(1).max(4_096).default(64),
});
