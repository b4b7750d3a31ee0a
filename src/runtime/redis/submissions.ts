import { AppError } from "../../base/errors.ts";
import type { RedisClient } from "./client.ts";
import { decodeJson, encodeJson } from "./go-json.ts";
import type { Keys, Phase } from "./keys.ts";
import { bytesOrNone, fieldsOf, listOf, numberOf, textOf, textsOf } from "./reply.ts";
import { loadScript } from "./script.ts";
import { type Rebroadcast, rebroadcastJson, type Submission, submissionJson } from "./submission-record.ts";

const removeScript = loadScript("remove-rebroadcast");

export type Group = { readonly supplier: string; readonly sessionEnd: bigint };

export type Submissions = {
  /** `proof_hash` is the whole proof: records are a few kB. Kept for `trackingTtlMs` after the last write. */
  write(submission: Submission): Promise<void>;
  read(supplier: string, sessionEnd: bigint, sessionId: string): Promise<Submission | undefined>;
  /** Every record of a supplier, or of the fleet. Walks the key space: for tools, not for the money path. */
  list(supplier?: string): Promise<readonly Submission[]>;
  /** Remembers a message until it is seen on chain. */
  keepForRebroadcast(phase: Phase, group: Group, sessionId: string, message: Rebroadcast): Promise<void>;
  rebroadcasts(phase: Phase, group: Group): Promise<ReadonlyMap<string, Rebroadcast>>;
  groups(phase: Phase): Promise<readonly Group[]>;
  /** Answers how many messages the group still has. */
  dropRebroadcast(phase: Phase, group: Group, sessionId: string): Promise<number>;
};

export type OpenSubmissions = {
  readonly redis: RedisClient;
  readonly keys: Keys;
  /** `submission_tracking_ttl`; Go's default is 24 h. */
  readonly trackingTtlMs: number;
  /** Longer than a proof window; Go's is 1 h. */
  readonly rebroadcastTtlMs: number;
};

const SCAN_COUNT = 500;

/** What was sent to the chain and what became of it, in Go's keys (mining-path 5.6). */
export function openSubmissions({
  redis,
  keys,
  trackingTtlMs,
  rebroadcastTtlMs,
}: OpenSubmissions): Submissions {
  const load = async (key: string): Promise<Submission | undefined> => {
    const bytes = bytesOrNone(await redis.send("GET", key));
    return bytes && decodeJson(submissionJson, bytes);
  };
  const groupKey = (phase: Phase, { supplier, sessionEnd }: Group) =>
    keys.rebroadcasts(phase, supplier, sessionEnd);
  return {
    write: async (submission) => {
      const key = keys.submission(submission.supplier, submission.sessionEnd, submission.sessionId);
      await redis.send("SET", key, encodeJson(submissionJson, submission), "PX", trackingTtlMs);
    },
    read: (supplier, sessionEnd, sessionId) => load(keys.submission(supplier, sessionEnd, sessionId)),
    list: async (supplier) => {
      const pattern = supplier === undefined ? keys.submissionPattern : keys.submissionPatternOf(supplier);
      const found = await Promise.all([...(await scan(redis, pattern))].map(load));
      return found.filter((submission) => submission !== undefined);
    },
    keepForRebroadcast: async (phase, group, sessionId, message) => {
      const [hash, index] = [groupKey(phase, group), keys.rebroadcastIndex(phase)];
      await redis.send("HSET", hash, sessionId, encodeJson(rebroadcastJson, message));
      await redis.send("PEXPIRE", hash, rebroadcastTtlMs);
      await redis.send("SADD", index, groupName(group));
      await redis.send("PEXPIRE", index, rebroadcastTtlMs);
    },
    rebroadcasts: async (phase, group) => {
      const fields = fieldsOf(await redis.send("HGETALL", groupKey(phase, group)));
      return new Map(
        [...fields].map(([sessionId, value]) => [sessionId, decodeJson(rebroadcastJson, value)]),
      );
    },
    groups: async (phase) =>
      textsOf(await redis.send("SMEMBERS", keys.rebroadcastIndex(phase))).map(parseGroup),
    dropRebroadcast: async (phase, group, sessionId) =>
      numberOf(
        await redis.run(
          removeScript,
          [groupKey(phase, group), keys.rebroadcastIndex(phase)],
          [sessionId, groupName(group)],
        ),
      ),
  };
}

const groupName = ({ supplier, sessionEnd }: Group): string => `${supplier}:${sessionEnd}`;

function parseGroup(name: string): Group {
  const [supplier, end] = name.split(":");
  if (!supplier || !/^\d+$/.test(end ?? ""))
    throw new AppError("REDIS_BAD_VALUE", "not the name of a group of rebroadcasts", { name });
  return { supplier, sessionEnd: BigInt(end ?? "") };
}

async function scan(redis: RedisClient, pattern: string): Promise<Set<string>> {
  const found = new Set<string>();
  let cursor = "0";
  do {
    const [next, some] = listOf(await redis.send("SCAN", cursor, "MATCH", pattern, "COUNT", SCAN_COUNT));
    cursor = textOf(next);
    for (const key of textsOf(some)) found.add(key);
  } while (cursor !== "0");
  return found;
}
