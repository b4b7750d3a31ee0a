import type { Logger } from "../../base/logger.ts";
import type { SessionWindows } from "../../chain/protocol/session-grid.ts";
import { isTerminal, type SessionRecord, type SessionState } from "../redis/session-record.ts";
import type { TrieStore } from "../redis/trie-store.ts";
import type { MinerMetrics } from "./metrics.ts";
import type { Records } from "./records.ts";
import { outcomeOf, type Settlement, type Settlements } from "./settle.ts";
import type { SupplierWorker } from "./worker.ts";

export type SettlingDependencies = {
  readonly records: Records;
  readonly settlements: Pick<Settlements, "find">;
  readonly trieStoreOf: (record: SessionRecord) => TrieStore;
  readonly logger: Logger;
  readonly metrics: MinerMetrics;
};

type Ending = {
  readonly worker: SupplierWorker;
  readonly record: SessionRecord;
  readonly windows: SessionWindows;
  /** Last committed height. */
  readonly height: bigint;
  /** The claim in the chain's state at that height: none any more after its settlement. */
  readonly claim: "there" | "absent" | "unknown";
};

/** Settlement is looked for in the block it is due in and the next ones, in case params changed under the session. */
const SETTLE_BLOCKS = 3n;
/** After this a node may have pruned the block: the settlement is not looked for any more. */
const GIVE_UP_AFTER_BLOCKS = 1_000n;

/** Ends a session by what the chain settled, whatever state the crash or the last block left it in. May be repeated after a crash. */
export async function settle(ending: Ending, dependencies: SettlingDependencies): Promise<void> {
  const { height, windows, claim } = ending;
  if (height < windows.settle) return;
  const longPast = height >= windows.settle + GIVE_UP_AFTER_BLOCKS;
  const settlement = longPast ? undefined : await findSettlement(ending, dependencies);
  if (settlement !== undefined) return endWith(settlement, ending, dependencies);
  // A claim that the chain still has, or may have, can still settle.
  if (claim === "absent" && height >= windows.settle + SETTLE_BLOCKS)
    await endWithout(longPast ? "unknown" : "none", ending, dependencies);
}

async function findSettlement(
  { record, windows, height }: Ending,
  { settlements }: SettlingDependencies,
): Promise<Settlement | undefined> {
  for (let at = windows.settle; at <= height && at < windows.settle + SETTLE_BLOCKS; at++) {
    const found = await settlements.find(record, at);
    if (found) return found;
  }
  return undefined;
}

async function endWith(
  settlement: Settlement,
  ending: Ending,
  dependencies: SettlingDependencies,
): Promise<void> {
  const { worker, record } = ending;
  const { records, logger } = dependencies;
  if (!(await over(ending, endState(record, settlement), dependencies))) return;
  if (record.proofTxHash !== undefined || record.state === "proving") {
    const outcome = settlement.outcome === "settled_proven" ? "on_chain_found" : "on_chain_missing";
    await records.onChain(worker.lease, "proof", record, outcome);
  }
  if (!(await records.settled(worker.lease, record, outcomeOf(settlement)))) return;
  count(settlement, worker.supplier, dependencies.metrics);
  logger[settlement.paid > 0n ? "info" : "error"](
    {
      supplier: worker.supplier,
      session: record.sessionId,
      outcome: settlement.outcome,
      claimed: settlement.claimed.toString(),
      paid: settlement.paid.toString(),
      slashed: settlement.slashed.toString(),
      why: settlement.why,
    },
    "session settled",
  );
}

function count(
  { outcome, claimed, paid, slashed }: Settlement,
  supplier: string,
  metrics: MinerMetrics,
): void {
  metrics.settledByStatus.inc({ supplier, status: outcome });
  metrics.upoktClaimed.inc({ supplier }, Number(claimed));
  metrics.upoktEarned.inc({ supplier }, Number(paid));
  if (claimed > paid) metrics.upoktLost.inc({ supplier, reason: outcome }, Number(claimed - paid));
  if (slashed > 0n) metrics.slashed.inc({ supplier });
}

/** Nothing was settled for it, or it was so long ago that nobody can say: told as such once. */
async function endWithout(
  outcome: "none" | "unknown",
  ending: Ending,
  dependencies: SettlingDependencies,
): Promise<void> {
  const { worker, record } = ending;
  const end: SessionState = record.state === "proving" ? "proof_window_closed" : "claim_missing";
  if (!(await over(ending, end, dependencies))) return;
  await dependencies.records.settled(worker.lease, record, { settlementOutcome: outcome });
}

/**
 * The session in a terminal state, its trie removed. False when it is not ours to end. The outcome is written after the trie is gone: a
 * crash in between is made good at the next look, and no trie is left behind.
 */
async function over(
  { worker, record }: Ending,
  end: SessionState,
  { records, trieStoreOf }: SettlingDependencies,
): Promise<boolean> {
  if (!isTerminal(record.state) && !(await records.move(worker.lease, record, [record.state], end)))
    return false;
  if (worker.stopped) return false;
  worker.forget(record.sessionId);
  await trieStoreOf(record).remove();
  return true;
}

function endState(record: SessionRecord, { outcome }: Settlement): SessionState {
  if (outcome === "settled_proven") return "proved";
  if (outcome === "settled_unproven") return "probabilistic_proved";
  return record.proofTxHash === undefined ? "proof_window_closed" : "proof_tx_error";
}
