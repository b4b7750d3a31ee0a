import { bytesToBig, EMPTY } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import { AppError } from "../../base/errors.ts";
import type { RedisClient, Reply } from "./client.ts";
import { goTime, msToNs } from "./go-time.ts";
import type { Keys } from "./keys.ts";
import { fenceOf, type Lease } from "./leases.ts";
import { packedDeletes, packedWrites } from "./packed-nodes.ts";
import { bytesOf, listOf, textOf } from "./reply.ts";
import { loadScript } from "./script.ts";
import { encodeSession, type SessionIdentity, TERMINAL_STATES } from "./session-record.ts";
import { rootOf } from "./trie-store.ts";

const applyScript = loadScript("apply-batch");
const sealScript = loadScript("seal");

export type Batch = {
  readonly lease: Lease;
  readonly session: SessionIdentity;
  /** The root the trie had before the batch; undefined for a new trie. */
  readonly expectedRoot: Uint8Array | undefined;
  /** The root after it, 48 bytes; the session's counters are read from it. */
  readonly newRoot: Uint8Array;
  readonly writes: readonly { readonly digest: Uint8Array; readonly node: Uint8Array }[];
  /** Digests of nodes that no longer belong to the trie. */
  readonly deletes: readonly Uint8Array[];
  /** Ids of the stream entries that this batch makes superfluous. */
  readonly entryIds: readonly string[];
};

/** The lease is another's, or was taken anew: stop all work on this supplier. */
export type Fenced = { readonly outcome: "fenced"; readonly owner: string };

export type BatchOutcome =
  | { readonly outcome: "applied" }
  /** An earlier attempt, thought lost, had been applied; its entries are removed now if they were not. */
  | { readonly outcome: "repeated" }
  /** Too late: discard the entries. */
  | { readonly outcome: "sealed"; readonly root: Uint8Array }
  | { readonly outcome: "closed"; readonly state: string }
  /** The trie in Redis is not the one this batch was made on: load it anew. */
  | { readonly outcome: "conflict"; readonly liveRoot: Uint8Array | undefined }
  | Fenced;

export type SealOutcome =
  /** The one root that may be claimed; it need not be the one given. */
  | { readonly outcome: "sealed"; readonly root: Uint8Array }
  | { readonly outcome: "conflict"; readonly liveRoot: Uint8Array | undefined }
  | Fenced;

export type TrieWrites = {
  /** Safe to repeat after an unknown outcome. Throws AppError REDIS_FOREIGN_VALUE when a key holds something of another kind. */
  applyBatch(batch: Batch): Promise<BatchOutcome>;
  /** Safe to repeat; must precede the first broadcast of the claim. */
  seal(lease: Lease, session: SessionIdentity, root: Uint8Array): Promise<SealOutcome>;
};

const TERMINAL = `,${TERMINAL_STATES.join(",")},`;

/** A root is a hash of 32 bytes, the sum and the count as 8 bytes each (mining-path 1.2). */
const sumOf = (root: Uint8Array): bigint => bytesToBig(root.subarray(32, 40));
const countOf = (root: Uint8Array): bigint => bytesToBig(root.subarray(40, 48));
const statsOf = (root: Uint8Array): string => `${countOf(root)}:${sumOf(root)}`;

/** All writes to tries, each one script (architecture 4). */
export function trieWrites(redis: RedisClient, keys: Keys, clock: Clock): TrieWrites {
  return {
    applyBatch: async (batch) => {
      const reply = await redis.run(
        applyScript,
        batchKeys(keys, batch),
        batchArgs(keys, batch, msToNs(clock.now())),
      );
      return batchOutcome(listOf(reply));
    },
    seal: async (lease, { supplier, sessionId }, root) => {
      const fence = fenceOf(keys, lease);
      const reply = await redis.run(
        sealScript,
        [
          ...fence.keys,
          keys.trieLiveRoot(supplier, sessionId),
          keys.trieRoot(supplier, sessionId),
          keys.trieStats(supplier, sessionId),
          keys.trieNodes(supplier, sessionId),
        ],
        [...fence.args, root, statsOf(root)],
      );
      return sealOutcome(listOf(reply));
    },
  };
}

function batchKeys(keys: Keys, { lease, session: { supplier, sessionId } }: Batch): string[] {
  return [
    ...fenceOf(keys, lease).keys,
    keys.trieNodes(supplier, sessionId),
    keys.trieLiveRoot(supplier, sessionId),
    keys.trieRoot(supplier, sessionId),
    keys.trieStats(supplier, sessionId),
    keys.session(supplier, sessionId),
    keys.sessionIndex(supplier),
    keys.sessionState(supplier, "active"),
    keys.stream(supplier),
  ];
}

function batchArgs(keys: Keys, batch: Batch, now: bigint): (string | Uint8Array | number | bigint)[] {
  const { lease, session, newRoot } = batch;
  const relayCount = countOf(newRoot);
  const computeUnits = sumOf(newRoot);
  const created = encodeSession({
    ...session,
    state: "active",
    relayCount,
    computeUnits,
    createdAt: now,
    updatedAt: now,
  });
  return [
    ...fenceOf(keys, lease).args,
    batch.expectedRoot ?? EMPTY,
    newRoot,
    statsOf(newRoot),
    session.sessionId,
    goTime(now),
    relayCount,
    computeUnits,
    keys.consumerGroup,
    TERMINAL,
    packedDeletes(batch.deletes),
    packedWrites(batch.writes),
    batch.entryIds.map((id) => `${id} `).join(""),
    ...[...created].flat(),
  ];
}

function batchOutcome([name, detail]: readonly Reply[]): BatchOutcome {
  const outcome = textOf(name);
  if (outcome === "applied" || outcome === "repeated") return { outcome };
  if (outcome === "closed") return { outcome, state: textOf(detail) };
  return sealOutcome([name ?? null, detail ?? null]);
}

function sealOutcome([name, detail]: readonly Reply[]): SealOutcome {
  const outcome = textOf(name);
  if (outcome === "sealed") return { outcome, root: bytesOf(detail) };
  if (outcome === "conflict") return { outcome, liveRoot: rootOf(bytesOf(detail)) };
  if (outcome === "fenced") return { outcome, owner: textOf(detail) };
  throw new AppError("REDIS_FOREIGN_VALUE", "a key of ours holds a value of another kind", {
    key: textOf(detail),
  });
}
