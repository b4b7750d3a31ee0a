import { duration } from "./fields.ts";

/** How long a relayer or a miner that starts while Redis is away waits for it: `relay.redis_wait`, `miner.redis_wait`. */
export const redisWait = () => duration().prefault("10m");
