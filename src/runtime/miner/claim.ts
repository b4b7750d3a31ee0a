import { toHex } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import { toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { MsgCreateClaim } from "../../chain/proto/proof.ts";
import type { SessionHeader } from "../../chain/proto/session.ts";
import { rootTotals } from "../../chain/protocol/claim.ts";
import { claimedUpokt } from "../../chain/protocol/pricing.ts";
import { toAny } from "../../chain/protocol/tx/message.ts";
import type { ChainData } from "../cache/chain-data.ts";
import type { Meter } from "../redis/meter.ts";
import type { RelayReader } from "../redis/relay-reader.ts";
import type { SessionRecord } from "../redis/session-record.ts";
import { earliest } from "./calendar.ts";
import type { MinerMetrics } from "./metrics.ts";
import type { OnTheWay } from "./on-the-way.ts";
import type { Records } from "./records.ts";
import { type DueSession, send } from "./send.ts";
import type { Item, Submitted, Submitter } from "./submit.ts";
import type { SupplierWorker } from "./worker.ts";

export type ClaimDependencies = {
  readonly chain: Pick<ChainData, "computeUnitsPerRelayAt" | "sharedParamsAt" | "difficultyAt">;
  readonly reader: Pick<RelayReader, "lag">;
  /** What relayers may still bring of sessions that have ended. */
  readonly onTheWay: OnTheWay;
  readonly meter: Pick<Meter, "announceEnd">;
  readonly records: Records;
  readonly submitter: Pick<Submitter, "submit">;
  readonly height: () => bigint;
  readonly blockTimeMs: () => number;
  /** Redis' own time in milliseconds: what the ids of stream entries are made of. */
  readonly redisNow: () => Promise<number>;
  /** False: one transaction a claim. */
  readonly together: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MinerMetrics;
};

/** The header as it is claimed, proven and hashed: always made from the record, which never changes. */
export const headerOf = (record: SessionRecord): SessionHeader => ({
  applicationAddress: record.application,
  serviceId: record.serviceId,
  sessionId: record.sessionId,
  sessionStartBlockHeight: record.startHeight,
  sessionEndBlockHeight: record.endHeight,
});

const LOOK_AGAIN_MS = 20;
const LOOK_AGAIN_MOST_MS = 500;
/** The stream is given so long even in a window's last blocks. */
const LEAST_PATIENCE_MS = 1_000;

/**
 * Claims every session of a supplier that is due: stream emptied of what came before, root sealed, state on record, then broadcast.
 * Every part may be repeated after a crash; the sealed root is the only one ever sent (architecture 4).
 */
export async function claim(
  worker: SupplierWorker,
  due: readonly DueSession[],
  dependencies: ClaimDependencies,
): Promise<void> {
  if (!(await relaysAreIn(worker, due, dependencies))) return;
  await send({
    ...dependencies,
    phase: "claim",
    worker,
    due,
    prepare: (session) => prepare(worker, session, dependencies),
    note: (session, item, result) => note(worker, session, item, result, dependencies),
  });
}

/**
 * Waits until no relayer has relays that are not in the stream, and then until the stream holds nothing older: relays of the ended
 * session that are still on their way into the trie, and would come too late for ever once it is sealed. False: not yet, look again
 * at the next block; other sessions' proofs must not wait. Two blocks before the window closes relayers are waited for half a block
 * more, then not at all, and the stream only for a moment: a claim of most relays is worth more than none.
 */
async function relaysAreIn(
  worker: SupplierWorker,
  due: readonly DueSession[],
  dependencies: ClaimDependencies,
): Promise<boolean> {
  const { height, clock, logger, metrics } = dependencies;
  const { supplier } = worker;
  const from = height();
  const patience = clock.monotonic() + LEAST_PATIENCE_MS;
  const latest = earliest(due.map(({ windows }) => windows.claimClose)) - 2n;
  const giveUp = (hold: Hold) => {
    metrics.claimHolds.inc({ supplier, reason: hold.reason, end: "window" });
    logger.warn({ supplier, ...hold }, TOO_LATE[hold.reason]);
  };
  const enough = clock.monotonic() + dependencies.blockTimeMs() / 2;
  const isLast = () => height() > latest || (height() === latest && clock.monotonic() >= enough);
  const ofRelayers = relayersHold(dependencies, isLast, giveUp);
  let since: number | undefined;
  for (let pause = LOOK_AGAIN_MS; ; pause = Math.min(2 * pause, LOOK_AGAIN_MOST_MS)) {
    let hold: Hold | undefined = await ofRelayers();
    if (hold === undefined) {
      since ??= await dependencies.redisNow();
      hold = await streamHolds(supplier, since, dependencies);
    } else since = undefined;
    if (hold === undefined) return true;
    if (worker.stopped) return false;
    const now = height();
    if (hold.reason === "stream" && now >= latest && clock.monotonic() >= patience) {
      giveUp(hold);
      return true;
    }
    if (now < latest && now > from) {
      metrics.claimHolds.inc({ supplier, reason: hold.reason, end: "next_block" });
      logger.info({ supplier, ...hold }, "claims wait for relays");
      return false;
    }
    await clock.sleep(pause);
  }
}

const TOO_LATE = {
  stream: "the stream is not emptied in time: relays may miss their claim",
  redis_back: "Redis came back only just before the window closes: relays may miss their claim",
  relayer_silent: "a relayer is silent until the window closes: relays that it holds may miss their claim",
  relayer_holds: "a relayer has not published its relays in time: they may miss their claim",
} as const;

type Hold = { readonly reason: keyof typeof TOO_LATE; readonly oldestMs?: number };

/** Why relayers are waited for; undefined when they are not, or not any more. */
function relayersHold(
  { onTheWay }: ClaimDependencies,
  isLast: () => boolean,
  giveUp: (hold: Hold) => void,
): () => Promise<Hold | undefined> {
  let waits = true;
  return async () => {
    const hold = waits ? await onTheWay() : undefined;
    if (hold === undefined || !isLast()) return hold;
    waits = false;
    giveUp(hold);
    return undefined;
  };
}

async function streamHolds(
  supplier: string,
  since: number,
  { reader }: ClaimDependencies,
): Promise<Hold | undefined> {
  const { oldestMs } = await reader.lag(supplier);
  return oldestMs === undefined || oldestMs > since ? undefined : { reason: "stream", oldestMs };
}

async function prepare(
  worker: SupplierWorker,
  { record }: DueSession,
  dependencies: ClaimDependencies,
): Promise<Item | undefined> {
  const { records, meter, metrics, logger } = dependencies;
  const root = await worker.seal(record);
  if (root === undefined) return undefined;
  const skip = await reasonToSkip(root, record, dependencies);
  if (skip !== undefined) {
    metrics.claimsSkipped.inc({ supplier: worker.supplier, reason: skip });
    logger.error(
      { supplier: worker.supplier, session: record.sessionId, reason: skip },
      "a session is not claimed",
    );
    await records.move(worker.lease, record, ["active", "claiming"], "claim_skipped", { claimedRoot: root });
    return undefined;
  }
  const from = ["active", "claiming", "claimed"] as const;
  if (!(await records.move(worker.lease, record, from, "claiming", { claimedRoot: root }))) return undefined;
  await meter.announceEnd({ sessionId: record.sessionId, supplier: worker.supplier }).catch(() => undefined);
  const message: MsgCreateClaim = {
    supplierOperatorAddress: worker.supplier,
    sessionHeader: headerOf(record),
    rootHash: root,
  };
  return { sessionId: record.sessionId, message: toAny(MsgCreateClaim, message), hash: toHex(root) };
}

async function note(
  worker: SupplierWorker,
  { record, windows }: DueSession,
  { hash }: Item,
  result: Submitted,
  { records, metrics, logger }: ClaimDependencies,
): Promise<void> {
  if (result.outcome === "accepted") {
    metrics.claimsSubmitted.inc({ supplier: worker.supplier });
    metrics.claimBlocks.observe(Number(result.height - windows.claimOpen));
    return records.claimSent(worker.lease, record, result, hash);
  }
  metrics.claimErrors.inc({ supplier: worker.supplier, reason: result.outcome });
  logger.warn(
    { supplier: worker.supplier, session: record.sessionId, outcome: result.outcome, reason: result.text },
    "a claim was not taken",
  );
  if (result.outcome === "unanswered") return records.claimSent(worker.lease, record, result, hash);
  return records.sendFailed("claim", record, result.text);
}

/**
 * A claim that the chain would refuse, or that is worth nothing (mining-path 3.5). When the chain cannot be asked there is no reason:
 * the claim goes out, and the chain decides.
 */
async function reasonToSkip(
  root: Uint8Array,
  { sessionId, serviceId, startHeight }: SessionRecord,
  { chain, logger }: ClaimDependencies,
): Promise<string | undefined> {
  const { sum, count } = rootTotals(root);
  if (count === 0n || sum === 0n) return "empty";
  try {
    const [units, params, { targetHash }] = await Promise.all([
      chain.computeUnitsPerRelayAt(serviceId, startHeight),
      chain.sharedParamsAt(startHeight),
      chain.difficultyAt(serviceId, startHeight),
    ]);
    if (sum !== count * units) return "compute_units_mismatch";
    return claimedUpokt({ computeUnits: sum, target: targetHash, params }) === 0n ? "worthless" : undefined;
  } catch (thrown) {
    logger.warn({ session: sessionId, error: toError(thrown).message }, "what a claim is worth is unknown");
    return undefined;
  }
}
