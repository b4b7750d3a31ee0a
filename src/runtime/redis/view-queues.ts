import { toError } from "../../base/errors.ts";
import { dueWithin } from "../ops/countdown.ts";
import type { QueueView, SessionView } from "../ops/view.ts";
import { isRefused, type RedisClient } from "./client.ts";
import type { Keys } from "./keys.ts";
import { listOf, numberOf, textOf, textOrNone } from "./reply.ts";

/** What waits for each supplier. A supplier whose stream cannot be read says so; the others are read. `nowMs` is Redis' own time. */
export const readQueues = (
  redis: RedisClient,
  keys: Keys,
  suppliers: readonly string[],
  nowMs: number,
): Promise<QueueView[]> => Promise.all(suppliers.map((supplier) => readQueue(redis, keys, supplier, nowMs)));

async function readQueue(
  redis: RedisClient,
  keys: Keys,
  supplier: string,
  nowMs: number,
): Promise<QueueView> {
  const [lease, stream, deadLetters] = await Promise.all([
    readLease(redis, keys.supplierLease(supplier), keys.epoch(supplier)),
    readStream(redis, keys, supplier, nowMs),
    redis.send("XLEN", keys.deadLetters(supplier)).then(numberOf, ifReadable),
  ]);
  return { supplier, ...lease, ...stream, deadLetters, claimsWaiting: undefined, proofsWaiting: undefined };
}

/** Who holds a lease, its epoch, and for how long still. */
export async function readLease(redis: RedisClient, key: string, epochKey: string) {
  const [owner, epoch, left] = await Promise.all([
    redis.send("GET", key),
    redis.send("GET", epochKey),
    redis.send("PTTL", key),
  ]);
  const msLeft = numberOf(left);
  return {
    owner: textOrNone(owner),
    epoch: textOrNone(epoch),
    leaseMsLeft: msLeft >= 0 ? msLeft : undefined,
  };
}

type Stream = Pick<QueueView, "length" | "pending" | "oldestAgeMs" | "problem">;

async function readStream(redis: RedisClient, keys: Keys, supplier: string, nowMs: number): Promise<Stream> {
  const stream = keys.stream(supplier);
  try {
    const [length, first, pending] = await Promise.all([
      redis.send("XLEN", stream),
      redis.send("XRANGE", stream, "-", "+", "COUNT", 1),
      redis.send("XPENDING", stream, keys.consumerGroup).catch((thrown) => {
        if (isRefused(thrown, "NOGROUP")) return [0];
        throw thrown;
      }),
    ]);
    const [oldest] = listOf(first);
    const writtenAt = oldest === undefined ? undefined : Number(textOf(listOf(oldest)[0]).split("-")[0]);
    return {
      length: numberOf(length),
      pending: numberOf(listOf(pending)[0]),
      oldestAgeMs: writtenAt === undefined ? undefined : Math.max(0, nowMs - writtenAt),
      problem: undefined,
    };
  } catch (thrown) {
    ifReadable(thrown);
    return {
      length: undefined,
      pending: undefined,
      oldestAgeMs: undefined,
      problem: toError(thrown).message,
    };
  }
}

/** Unknown when it is this key that cannot be read; when Redis is away, the whole read fails. */
function ifReadable(thrown: unknown): undefined {
  const { code } = thrown as { code?: string };
  if (code === "REDIS_UNREACHABLE" || code === "REDIS_TIMEOUT") throw thrown;
  return undefined;
}

/** Adds how many claims and proofs are due and not on their way, by the sessions of the same view. */
export function withWaiting(
  queues: readonly QueueView[],
  sessions: readonly SessionView[],
  height: bigint | undefined,
): readonly QueueView[] {
  return queues.map((queue) => {
    const own = sessions.filter(({ supplier }) => supplier === queue.supplier);
    const isKnown = height !== undefined && own.every(({ windows }) => windows !== undefined);
    const due = own.filter((session) => dueWithin(session, height) !== undefined);
    const unclaimed = due.filter(({ state }) => state === "active" || state === "claiming").length;
    return {
      ...queue,
      claimsWaiting: isKnown ? unclaimed : undefined,
      proofsWaiting: isKnown ? due.length - unclaimed : undefined,
    };
  });
}
