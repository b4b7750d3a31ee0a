import type { Clock } from "../../base/clock.ts";
import type { RedisClient, Reply } from "./client.ts";
import { msToNs } from "./go-time.ts";
import type { Keys } from "./keys.ts";
import { listOf, numberOf, textOf, textOrNone, textsOf } from "./reply.ts";
import { loadScript } from "./script.ts";

const script = loadScript("lease");

/** Proof of ownership: every write script compares it with what Redis has, so a stale owner changes nothing. */
export type Lease = {
  /** A supplier's address, or LEADER. */
  readonly of: string;
  readonly instance: string;
  readonly epoch: string;
};

/** The lease of the fleet's one leader (mining-path 7.6). */
export const LEADER = "leader";

export type Acquired =
  | { readonly lease: Lease; readonly owner?: undefined }
  /** Held by another instance; `msLeft` until it expires on its own (-1: never). */
  | { readonly lease?: undefined; readonly owner: string; readonly msLeft: number };

export type Leases = {
  /** Takes a free lease, or takes our own anew (after a restart under the same id). */
  acquire(of: string, ttlMs: number): Promise<Acquired>;
  /** False when it is ours no more: stop all work on it. Count the time to live from before the call. */
  renew(lease: Lease, ttlMs: number): Promise<boolean>;
  /** Gives it up; false when it was ours no more. */
  release(lease: Lease): Promise<boolean>;
  /** Who holds it now. */
  owner(of: string): Promise<string | undefined>;
  /** Says "this instance lives" to Go and TypeScript miners alike, for `ttlMs` (mining-path 7.7). */
  announce(ttlMs: number): Promise<void>;
  withdraw(): Promise<void>;
  /** Instances that have announced themselves and not gone silent; used to share suppliers fairly. */
  liveInstances(): Promise<string[]>;
};

export type OpenLeases = {
  readonly redis: RedisClient;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly instance: string;
};

/** The two keys that a write script compares a lease with, and the two values to compare. */
export const fenceOf = (keys: Keys, lease: Lease) => ({
  keys: [leaseKey(keys, lease.of), keys.epoch(lease.of)] as const,
  args: [lease.instance, lease.epoch] as const,
});

const leaseKey = (keys: Keys, of: string): string => (of === LEADER ? keys.leader : keys.supplierLease(of));

export function openLeases({ redis, keys, clock, instance }: OpenLeases): Leases {
  const run = async (act: string, of: string, epoch: string, ttlMs: number | ""): Promise<readonly Reply[]> =>
    listOf(await redis.run(script, [leaseKey(keys, of), keys.epoch(of)], [act, instance, epoch, ttlMs]));
  return {
    acquire: async (of, ttlMs) => {
      const [done, epoch, owner, msLeft] = await run("acquire", of, "", ttlMs);
      if (numberOf(done) === 1) return { lease: { of, instance, epoch: textOf(epoch) } };
      return { owner: textOf(owner), msLeft: numberOf(msLeft) };
    },
    renew: async ({ of, epoch }, ttlMs) => numberOf((await run("renew", of, epoch, ttlMs))[0]) === 1,
    release: async ({ of, epoch }) => numberOf((await run("release", of, epoch, ""))[0]) === 1,
    owner: async (of) => textOrNone(await redis.send("GET", leaseKey(keys, of))),
    announce: async (ttlMs) => {
      await Promise.all([
        redis.send("SET", keys.instance(instance), msToNs(clock.now()), "PX", ttlMs),
        redis.send("SADD", keys.instances, instance),
      ]);
    },
    withdraw: async () => {
      await Promise.all([
        redis.send("DEL", keys.instance(instance)),
        redis.send("SREM", keys.instances, instance),
      ]);
    },
    liveInstances: async () => {
      const known = textsOf(await redis.send("SMEMBERS", keys.instances));
      const alive = await Promise.all(known.map((id) => redis.send("EXISTS", keys.instance(id))));
      return known.filter((_, index) => alive[index] === 1);
    },
  };
}
