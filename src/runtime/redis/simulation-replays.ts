import { toHex } from "../../base/bytes.ts";
import type { RedisClient } from "./client.ts";
import type { Keys } from "./keys.ts";

/** Simulated relays that the fleet has seen (relay-path 8). */
export type SimulationReplays = {
  /** Remembers a 32-byte hash for that time; false when it was remembered already. Throws when Redis does not answer. */
  remember(hash: Uint8Array, seconds: number): Promise<boolean>;
};

export const simulationReplays = (redis: RedisClient, keys: Keys): SimulationReplays => ({
  remember: async (hash, seconds) =>
    (await redis.send("SET", keys.simulationReplay(toHex(hash)), "1", "NX", "EX", seconds)) !== null,
});
