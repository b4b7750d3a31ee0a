import { equalBytes } from "../../base/bytes.ts";
import { toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { OpenChainClient } from "../../chain/node/client.ts";
import { claimsOf } from "../../chain/node/queries.ts";
import { type Claim, ProofValidationStatus } from "../../chain/proto/proof.ts";
import { rootTotals } from "../../chain/protocol/claim.ts";
import type { ChainData } from "../cache/chain-data.ts";
import { isTerminal, type SessionRecord, type SessionState } from "../redis/session-record.ts";
import type { Sessions } from "../redis/sessions.ts";
import type { TrieStore } from "../redis/trie-store.ts";
import { windowsOf } from "./calendar.ts";
import type { DueSession } from "./claim.ts";
import type { MinerMetrics } from "./metrics.ts";
import type { ProvableSession } from "./prove.ts";
import type { Records } from "./records.ts";
import { type Action, type ClaimOnChain, nextAction } from "./session-state.ts";
import { outcomeOf, type Settlement, type Settlements } from "./settle.ts";
import type { SupplierWorker } from "./worker.ts";

export type LifecycleDependencies = {
  readonly client: OpenChainClient;
  readonly chain: ChainData;
  readonly sessions: Sessions;
  readonly records: Records;
  readonly settlements: Settlements;
  readonly trieStoreOf: (record: SessionRecord) => TrieStore;
  readonly claim: (worker: SupplierWorker, due: readonly DueSession[]) => Promise<void>;
  readonly prove: (worker: SupplierWorker, due: readonly ProvableSession[]) => Promise<void>;
  /** Broadcasts of one phase at most, the first included. */
  readonly maxSends: number;
  readonly logger: Logger;
  readonly metrics: MinerMetrics;
};

/** Settlement is looked for in the block it is due in and the next ones, in case params changed under the session. */
const SETTLE_BLOCKS = 3n;
/** After this a node may have pruned the block: the settlement is not looked for any more. */
const GIVE_UP_AFTER_BLOCKS = 1_000n;

type Look = DueSession;

/**
 * One look at all sessions of a supplier at a committed height: what is due is done, and each session's failure is its own. Everything
 * is derived from Redis and the chain, so a look may be repeated by this process or by the next owner at any time.
 */
export async function lookAt(
  worker: SupplierWorker,
  height: bigint,
  dependencies: LifecycleDependencies,
): Promise<void> {
  const { sessions, logger, chain } = dependencies;
  const { sessions: records, unreadable } = await sessions.list(worker.supplier);
  for (const { sessionId, reason } of unreadable)
    logger.error(
      { supplier: worker.supplier, session: sessionId, reason },
      "a session record cannot be read",
    );
  const ended: Look[] = [];
  for (const record of records) {
    if (isTerminal(record.state) && record.settlementOutcome !== undefined) continue;
    const windows = await windowsOf(chain, record.endHeight, height);
    if (windows !== undefined && height >= windows.claimOpen) ended.push({ record, windows });
  }
  if (ended.length === 0 || worker.stopped) return;
  const claims = await claimsById(worker.supplier, dependencies);
  await act(worker, height, ended, claims, dependencies);
}

type Claims = ReadonlyMap<string, Claim> | undefined;

/** All claims of the supplier by session; undefined when the chain cannot be asked, which is never read as "none". */
async function claimsById(supplier: string, { client, logger }: LifecycleDependencies): Promise<Claims> {
  try {
    const claims = await claimsOf(client, supplier);
    return new Map(claims.map((claim) => [claim.sessionHeader?.sessionId ?? "", claim]));
  } catch (thrown) {
    logger.warn({ supplier, error: toError(thrown).message }, "the chain's claims are unknown at this block");
    return undefined;
  }
}

async function act(
  worker: SupplierWorker,
  height: bigint,
  looks: readonly Look[],
  claims: Claims,
  dependencies: LifecycleDependencies,
): Promise<void> {
  const toClaim: DueSession[] = [];
  const toProve: ProvableSession[] = [];
  const decide = async (look: Look): Promise<void> => {
    if (isTerminal(look.record.state)) return settle(worker, height, look, dependencies);
    const claim = claims?.get(look.record.sessionId);
    const action = await actionFor(look, claim, claims === undefined, height, dependencies);
    if (action.do === "claim") toClaim.push(look);
    else if (action.do === "prove" && claim) toProve.push({ ...look, claim });
    else if (action.do === "settle") await settle(worker, height, look, dependencies);
    else if (action.do === "become") await become(worker, look, action, claim, dependencies);
  };
  for (const look of looks) {
    try {
      await decide(look);
    } catch (thrown) {
      dependencies.logger.error(
        { supplier: worker.supplier, session: look.record.sessionId, error: toError(thrown).message },
        "a session could not be looked at; it is tried again at the next block",
      );
    }
  }
  if (toClaim.length > 0) await dependencies.claim(worker, toClaim);
  if (toProve.length > 0) await dependencies.prove(worker, toProve);
}

async function actionFor(
  { record, windows }: Look,
  claim: Claim | undefined,
  unknown: boolean,
  height: bigint,
  { records, trieStoreOf, maxSends, metrics, logger }: LifecycleDependencies,
): Promise<Action> {
  const onChain: ClaimOnChain = unknown
    ? { kind: "unknown" }
    : claim === undefined
      ? { kind: "absent" }
      : await compare(claim, record, trieStoreOf);
  if (onChain.kind === "foreign") {
    metrics.foreignRoots.inc({ supplier: record.supplier });
    logger.error(
      { supplier: record.supplier, session: record.sessionId },
      "the chain holds a claim of ours with another root: does a second deployment use this key?",
    );
  }
  const phase = record.state === "proving" ? "proof" : "claim";
  return nextAction({
    state: record.state,
    height,
    windows,
    claim: onChain,
    sent: records.sent(phase, record),
    maxSends,
  });
}

const PROOF = {
  [ProofValidationStatus.pending]: "pending",
  [ProofValidationStatus.validated]: "validated",
  [ProofValidationStatus.invalid]: "invalid",
} as const;

async function compare(
  claim: Claim,
  record: SessionRecord,
  trieStoreOf: LifecycleDependencies["trieStoreOf"],
): Promise<ClaimOnChain> {
  const { sealedRoot } = await trieStoreOf(record).state();
  if (sealedRoot === undefined || !equalBytes(sealedRoot, claim.rootHash)) return { kind: "foreign" };
  return { kind: "ours", proof: PROOF[claim.proofValidationStatus as keyof typeof PROOF] ?? "pending" };
}

async function become(
  worker: SupplierWorker,
  { record }: Look,
  { state, why }: Extract<Action, { do: "become" }>,
  claim: Claim | undefined,
  { records, metrics, logger }: LifecycleDependencies,
): Promise<void> {
  const moved = await records.move(worker.lease, record, [record.state], state);
  if (!moved) return;
  if (state === "claimed" && claim) {
    metrics.relaysClaimed.inc({ supplier: worker.supplier }, Number(rootTotals(claim.rootHash).count));
    await records.onChain("claim", record, "on_chain_found");
    metrics.claimOutcome.inc({ supplier: worker.supplier, outcome: "on_chain_found" });
  } else if (state === "proved") {
    await records.onChain("proof", record, "on_chain_found");
    metrics.proofOutcome.inc({ supplier: worker.supplier, outcome: "on_chain_found" });
  } else if (isTerminal(state)) {
    logger.error(
      { supplier: worker.supplier, session: record.sessionId, state, why },
      "a session ended without pay",
    );
    metrics.claimOutcome.inc({ supplier: worker.supplier, outcome: "on_chain_missing" });
  }
}

/** Ends a session by what the chain settled, whatever state the crash or the last block left it in. */
async function settle(
  worker: SupplierWorker,
  height: bigint,
  look: Look,
  dependencies: LifecycleDependencies,
): Promise<void> {
  const { record, windows } = look;
  if (height < windows.settle) return;
  const longPast = height >= windows.settle + GIVE_UP_AFTER_BLOCKS;
  const settlement = longPast ? undefined : await findSettlement(look, height, dependencies);
  if (settlement === undefined) {
    if (height >= windows.settle + SETTLE_BLOCKS) await endWithout(worker, look, dependencies);
    return;
  }
  const { records, metrics, logger, trieStoreOf } = dependencies;
  if (!isTerminal(record.state))
    await records.move(worker.lease, record, [record.state], endState(record, settlement));
  await records.settled(record, outcomeOf(settlement));
  metrics.settledByStatus.inc({ supplier: worker.supplier, status: settlement.outcome });
  metrics.upoktClaimed.inc({ supplier: worker.supplier }, Number(settlement.claimed));
  metrics.upoktEarned.inc({ supplier: worker.supplier }, Number(settlement.paid));
  const lost = settlement.claimed - settlement.paid;
  if (lost > 0n)
    metrics.upoktLost.inc({ supplier: worker.supplier, reason: settlement.outcome }, Number(lost));
  if (settlement.slashed > 0n) metrics.slashed.inc({ supplier: worker.supplier });
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
  worker.forget(record.sessionId);
  await trieStoreOf(record).remove();
}

async function findSettlement(
  { record, windows }: Look,
  height: bigint,
  { settlements }: LifecycleDependencies,
): Promise<Settlement | undefined> {
  for (let at = windows.settle; at <= height && at < windows.settle + SETTLE_BLOCKS; at++) {
    const found = await settlements.find(record, at);
    if (found) return found;
  }
  return undefined;
}

/** Nothing was settled for it: told as such once, and the trie is not needed any more. */
async function endWithout(
  worker: SupplierWorker,
  { record }: Look,
  { records, trieStoreOf }: LifecycleDependencies,
): Promise<void> {
  const end: SessionState = record.state === "proving" ? "proof_window_closed" : "claim_missing";
  if (!isTerminal(record.state)) await records.move(worker.lease, record, [record.state], end);
  await records.settled(record, { settlementOutcome: "none" });
  worker.forget(record.sessionId);
  await trieStoreOf(record).remove();
}

function endState(record: SessionRecord, { outcome }: Settlement): SessionState {
  if (outcome === "settled_proven") return "proved";
  if (outcome === "settled_unproven") return "probabilistic_proved";
  return record.proofTxHash === undefined ? "proof_window_closed" : "proof_tx_error";
}
