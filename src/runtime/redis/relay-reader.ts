import { toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { isRefused, type RedisClient, type Reply } from "./client.ts";
import { LONGEST_BLOCK_MS, type RedisConnections } from "./connect.ts";
import type { Keys } from "./keys.ts";
import { decodeEntry, type StreamEntry } from "./relay-stream.ts";
import { fieldsOf, listOf, numberOf, textOf } from "./reply.ts";
import { loadScript } from "./script.ts";

export type SupplierEntries = { readonly supplier: string; readonly entries: readonly StreamEntry[] };

export type ReadResult = {
  readonly batches: readonly SupplierEntries[];
  /** Suppliers whose stream cannot be read (a foreign value under its key, say); the others were read. */
  readonly broken: readonly { readonly supplier: string; readonly reason: string }[];
};

export type StreamLag = {
  readonly length: number;
  /** Delivered to some consumer and not acknowledged. */
  readonly pending: number;
  /** Unix milliseconds of the oldest entry still in the stream; undefined when it is empty. */
  readonly oldestMs: number | undefined;
};

export type RelayReader = {
  /** Makes the group (from the stream's first entry) and takes any time to live off. Call on taking a supplier. */
  prepare(supplier: string): Promise<void>;
  /**
   * New entries of these suppliers; waits up to `blockMs` (at most LONGEST_BLOCK_MS) when there are none. One call at a time.
   * When it throws, entries may have been delivered unseen: they are pending, and `reclaim` brings them back.
   */
  read(suppliers: readonly string[], limits: { count: number; blockMs: number }): Promise<ReadResult>;
  /** Our own delivered and unacknowledged entries after the id `after` ("0" for the first). Drain them at start. */
  pending(supplier: string, after: string, count: number): Promise<readonly StreamEntry[]>;
  /** Takes over entries that any consumer, ourselves included, has left unacknowledged for `minIdleMs`. Call on a timer. */
  reclaim(supplier: string, limits: { minIdleMs: number; count: number }): Promise<readonly StreamEntry[]>;
  /** Acknowledges and removes entries that need not be applied (a late relay, say). */
  discard(supplier: string, ids: readonly string[]): Promise<void>;
  /** Moves an entry to the supplier's dead letters; false when it is gone already. */
  deadLetter(supplier: string, id: string, reason: string): Promise<boolean>;
  lag(supplier: string): Promise<StreamLag>;
};

export type OpenReader = {
  readonly redis: RedisConnections;
  readonly keys: Keys;
  /** Unique per process: two processes under one name would share pending entries (mining-path 2.5). */
  readonly consumer: string;
  readonly logger: Logger;
};

const DEAD_LETTERS_KEPT = 10_000;
const CHUNK = 1000;
const deadLetterScript = loadScript("dead-letter");

/** The consuming side of the relay streams, on one blocking connection for any number of suppliers. */
export async function openRelayReader({ redis, keys, consumer, logger }: OpenReader): Promise<RelayReader> {
  const group = keys.consumerGroup;
  const { commands } = redis;
  const blocking = await redis.openBlocking("streams");
  const prepare = (supplier: string) => prepareStream(commands, keys.stream(supplier), group);

  return {
    prepare,
    read: (suppliers, limits) => readNew({ blocking, prepare, keys, consumer, logger }, suppliers, limits),
    pending: async (supplier, after, count) => {
      const stream = keys.stream(supplier);
      const read = ["GROUP", group, consumer, "COUNT", count, "STREAMS", stream, after] as const;
      const reply = await commands.send("XREADGROUP", ...read);
      const entries = reply === null ? [] : listOf(listOf(listOf(reply)[0])[1]);
      return settle(commands, group, stream, supplier, entries);
    },
    reclaim: async (supplier, limits) => {
      const stream = keys.stream(supplier);
      await commands.send("PERSIST", stream);
      const entries = await claimIdle(commands, stream, group, consumer, limits);
      return settle(commands, group, stream, supplier, entries);
    },
    discard: async (supplier, ids) => {
      const stream = keys.stream(supplier);
      for (let from = 0; from < ids.length; from += CHUNK) {
        const some = ids.slice(from, from + CHUNK);
        // One after the other: an entry that is gone and still pending is acknowledged later; one that is acknowledged and still there
        // would never be read again, and claims would wait for it.
        await commands.send("XDEL", stream, ...some);
        await commands.send("XACK", stream, group, ...some);
      }
    },
    deadLetter: async (supplier, id, reason) => {
      const streams = [keys.stream(supplier), keys.deadLetters(supplier)];
      const moved = await commands.run(deadLetterScript, streams, [group, id, reason, DEAD_LETTERS_KEPT]);
      return numberOf(moved) === 1;
    },
    lag: (supplier) => streamLag(commands, keys.stream(supplier), group),
  };
}

/** XAUTOCLAIM looks at a limited number of pending entries at a time: it is followed to the end or until there are enough. */
async function claimIdle(
  redis: RedisClient,
  stream: string,
  group: string,
  consumer: string,
  { minIdleMs, count }: { minIdleMs: number; count: number },
): Promise<Reply[]> {
  const entries: Reply[] = [];
  let cursor = "0-0";
  do {
    const rest = count - entries.length;
    const reply = await redis.send("XAUTOCLAIM", stream, group, consumer, minIdleMs, cursor, "COUNT", rest);
    const [next, claimed] = listOf(reply);
    cursor = textOf(next);
    entries.push(...listOf(claimed));
  } while (cursor !== "0-0" && entries.length < count);
  return entries;
}

async function prepareStream(redis: RedisClient, stream: string, group: string): Promise<void> {
  try {
    await redis.send("XGROUP", "CREATE", stream, group, "0", "MKSTREAM");
  } catch (thrown) {
    if (!isRefused(thrown, "BUSYGROUP")) throw thrown;
  }
  await redis.send("PERSIST", stream);
}

type NewRead = Pick<RelayReader, "prepare"> &
  Pick<OpenReader, "keys" | "consumer" | "logger"> & { readonly blocking: RedisClient };

async function readNew(
  { blocking, prepare, keys, consumer, logger }: NewRead,
  suppliers: readonly string[],
  { count, blockMs }: { count: number; blockMs: number },
): Promise<ReadResult> {
  const read = async (some: readonly string[]): Promise<readonly SupplierEntries[]> => {
    if (some.length === 0) return [];
    const supplierOf = new Map(some.map((supplier) => [keys.stream(supplier), supplier]));
    // 0 would wait for ever, and a connection that died meanwhile would not be noticed.
    const wait = Math.min(LONGEST_BLOCK_MS, Math.max(1, blockMs));
    const limits = ["GROUP", keys.consumerGroup, consumer, "COUNT", count, "BLOCK", wait] as const;
    const reply = await blocking.send(
      "XREADGROUP",
      ...limits,
      "STREAMS",
      ...supplierOf.keys(),
      ...some.map(() => ">"),
    );
    if (reply === null) return [];
    return listOf(reply).map((stream) => {
      const [name, entries] = listOf(stream);
      const supplier = supplierOf.get(textOf(name)) ?? "";
      return {
        supplier,
        entries: listOf(entries)
          .map((entry) => decodeReply(supplier, entry))
          .filter((entry) => entry !== undefined),
      };
    });
  };
  try {
    return { batches: await read(suppliers), broken: [] };
  } catch (thrown) {
    if (!isRefused(thrown, "NOGROUP") && !isRefused(thrown, "WRONGTYPE")) throw thrown;
    logger.warn(
      { error: toError(thrown).message },
      "a relay stream cannot be read; each is looked at by itself",
    );
  }
  const readable: string[] = [];
  const broken: { supplier: string; reason: string }[] = [];
  for (const supplier of suppliers) {
    try {
      await prepare(supplier);
      readable.push(supplier);
    } catch (thrown) {
      if (!isRefused(thrown, "WRONGTYPE")) throw thrown;
      broken.push({ supplier, reason: toError(thrown).message });
    }
  }
  return { batches: await read(readable), broken };
}

/** An entry of a reply; undefined for one that was deleted while it was pending. */
function decodeReply(supplier: string, reply: Reply): StreamEntry | undefined {
  if (reply === null) return undefined;
  const [id, fields] = listOf(reply);
  if (fields === null || fields === undefined) return undefined;
  return decodeEntry(supplier, textOf(id), fieldsOf(fields));
}

/** Decodes pending entries, and acknowledges those that were deleted meanwhile: nothing is left of them to apply. */
async function settle(
  redis: RedisClient,
  group: string,
  stream: string,
  supplier: string,
  replies: readonly Reply[],
): Promise<readonly StreamEntry[]> {
  const gone = replies.flatMap((reply) => {
    if (reply === null) return [];
    const [id, fields] = listOf(reply);
    return fields === null ? [textOf(id)] : [];
  });
  if (gone.length > 0) await redis.send("XACK", stream, group, ...gone);
  return replies.map((reply) => decodeReply(supplier, reply)).filter((entry) => entry !== undefined);
}

async function streamLag(redis: RedisClient, stream: string, group: string): Promise<StreamLag> {
  const [length, first, pending] = await Promise.all([
    redis.send("XLEN", stream),
    redis.send("XRANGE", stream, "-", "+", "COUNT", 1),
    redis.send("XPENDING", stream, group).catch((thrown) => {
      if (isRefused(thrown, "NOGROUP")) return [0];
      throw thrown;
    }),
  ]);
  const oldest = listOf(first)[0];
  return {
    length: numberOf(length),
    pending: numberOf(listOf(pending)[0]),
    oldestMs: oldest === undefined ? undefined : Number(textOf(listOf(oldest)[0]).split("-")[0]),
  };
}
