import type { Clock } from "../../base/clock.ts";
import { AppError, toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { MsgCreateClaim } from "../../chain/proto/proof.ts";
import type { SessionHeader } from "../../chain/proto/session.ts";
import { rootTotals } from "../../chain/protocol/claim.ts";
import { claimedUpokt } from "../../chain/protocol/pricing.ts";
import type { SessionWindows } from "../../chain/protocol/session-grid.ts";
import { toAny } from "../../chain/protocol/tx/message.ts";
import type { ChainData } from "../cache/chain-data.ts";
import type { Meter } from "../redis/meter.ts";
import type { RelayReader } from "../redis/relay-reader.ts";
import type { SessionRecord } from "../redis/session-record.ts";
import { earliest } from "./calendar.ts";
import type { MinerMetrics } from "./metrics.ts";
import type { Records } from "./records.ts";
import type { Item, Submitter } from "./submit.ts";
import type { SupplierWorker } from "./worker.ts";

export type ClaimDependencies = {
  readonly chain: ChainData;
  readonly reader: RelayReader;
  readonly meter: Meter;
  readonly records: Records;
  readonly submitter: Submitter;
  readonly height: () => bigint;
  /** Redis' own time in milliseconds: what the ids of stream entries are made of. */
  readonly redisNow: () => Promise<number>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MinerMetrics;
};

export type DueSession = { readonly record: SessionRecord; readonly windows: SessionWindows };

/** The header as it is claimed, proven and hashed: always made from the record, which never changes. */
export const headerOf = (record: SessionRecord): SessionHeader => ({
  applicationAddress: record.application,
  serviceId: record.serviceId,
  sessionId: record.sessionId,
  sessionStartBlockHeight: record.startHeight,
  sessionEndBlockHeight: record.endHeight,
});

const LOOK_AGAIN_MS = 20;

/**
 * Claims every session of a supplier that is due, in one transaction: stream emptied of what came before, root sealed, state on record,
 * then broadcast. Every part may be repeated after a crash; the sealed root is the only one ever sent (architecture 4).
 */
export async function claim(
  worker: SupplierWorker,
  due: readonly DueSession[],
  dependencies: ClaimDependencies,
): Promise<void> {
  const { records, metrics, logger } = dependencies;
  await streamEmptied(worker, due, dependencies);
  const items: Item[] = [];
  for (const session of due) {
    try {
      const item = await prepare(worker, session, dependencies);
      if (item) items.push(item);
    } catch (thrown) {
      metrics.claimErrors.inc({ supplier: worker.supplier, reason: codeOf(thrown) });
      logger.error(
        { supplier: worker.supplier, session: session.record.sessionId, error: toError(thrown).message },
        "a claim could not be prepared; it is tried again at the next block",
      );
    }
  }
  const close = earliest(due.map(({ windows }) => windows.claimClose));
  const sent = await dependencies.submitter.submit({ supplier: worker.supplier, items, close });
  for (const { record, windows } of due) {
    const result = sent.get(record.sessionId);
    if (result === undefined) continue;
    if (result.outcome === "accepted") {
      metrics.claimsSubmitted.inc({ supplier: worker.supplier });
      metrics.claimBlocks.observe(Number(result.height - windows.claimOpen));
      await records.claimSent(worker.lease, record, result);
    } else {
      metrics.claimErrors.inc({ supplier: worker.supplier, reason: result.outcome });
      logger.warn(
        { supplier: worker.supplier, session: record.sessionId, reason: result.text },
        "a claim was not taken",
      );
      await records.sendFailed("claim", record, result.text);
    }
  }
}

/**
 * Waits until the stream holds nothing older than this moment: relays of the ended session that are still on their way into the trie.
 * Ends in time for the window's last blocks whatever happens.
 */
async function streamEmptied(
  { supplier }: SupplierWorker,
  due: readonly DueSession[],
  dependencies: ClaimDependencies,
): Promise<void> {
  const { reader, height, clock, logger } = dependencies;
  const since = await dependencies.redisNow();
  const latest = earliest(due.map(({ windows }) => windows.claimClose)) - 2n;
  for (;;) {
    const { oldestMs } = await reader.lag(supplier);
    if (oldestMs === undefined || oldestMs > since) return;
    if (height() >= latest) {
      logger.warn({ supplier, oldestMs }, "the stream is not emptied in time: relays may miss their claim");
      return;
    }
    await clock.sleep(LOOK_AGAIN_MS);
  }
}

async function prepare(
  worker: SupplierWorker,
  { record }: DueSession,
  dependencies: ClaimDependencies,
): Promise<Item | undefined> {
  const { chain, records, meter } = dependencies;
  const sealed = await worker.exclusive(() => worker.trie(record).seal(worker.lease));
  if (sealed === undefined) return undefined;
  if (sealed.outcome !== "sealed")
    throw new AppError("CLAIM_NOT_SEALED", `the trie could not be sealed: ${sealed.outcome}`);
  const { root } = sealed;
  const skip = await reasonToSkip(root, record, chain);
  if (skip !== undefined) {
    dependencies.metrics.claimsSkipped.inc({ supplier: worker.supplier, reason: skip });
    await records.move(worker.lease, record, ["active", "claiming"], "claim_skipped", { claimedRoot: root });
    return undefined;
  }
  await records.move(worker.lease, record, ["active", "claiming", "claimed"], "claiming", {
    claimedRoot: root,
  });
  await meter.announceEnd({ sessionId: record.sessionId, supplier: worker.supplier }).catch(() => undefined);
  const message: MsgCreateClaim = {
    supplierOperatorAddress: worker.supplier,
    sessionHeader: headerOf(record),
    rootHash: root,
  };
  return { sessionId: record.sessionId, message: toAny(MsgCreateClaim, message) };
}

/** A claim that the chain would refuse, or that is worth nothing (mining-path 3.5). Unknown is no reason: the caller tries again. */
async function reasonToSkip(
  root: Uint8Array,
  { serviceId, startHeight }: SessionRecord,
  chain: ChainData,
): Promise<string | undefined> {
  const { sum, count } = rootTotals(root);
  if (count === 0n || sum === 0n) return "empty";
  const [units, params, { targetHash }] = await Promise.all([
    chain.computeUnitsPerRelayAt(serviceId, startHeight),
    chain.sharedParamsAt(startHeight),
    chain.difficultyAt(serviceId, startHeight),
  ]);
  if (sum !== count * units) return "compute_units_mismatch";
  return claimedUpokt({ computeUnits: sum, target: targetHash, params }) === 0n ? "worthless" : undefined;
}

export const codeOf = (thrown: unknown): string => (thrown instanceof AppError ? thrown.code : "UNEXPECTED");
