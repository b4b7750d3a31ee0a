import { equalBytes } from "../../base/bytes.ts";
import { toError } from "../../base/errors.ts";
import type { OpenChainClient } from "../../chain/node/client.ts";
import { claimsOf } from "../../chain/node/queries.ts";
import { type Claim, ProofValidationStatus } from "../../chain/proto/proof.ts";
import { rootTotals } from "../../chain/protocol/claim.ts";
import type { ChainData } from "../cache/chain-data.ts";
import { isTerminal, type SessionRecord } from "../redis/session-record.ts";
import type { Sessions } from "../redis/sessions.ts";
import { windowsOf } from "./calendar.ts";
import { nearestFirst } from "./due.ts";
import type { ProvableSession } from "./prove.ts";
import type { DueSession } from "./send.ts";
import { type Action, type ClaimOnChain, nextAction } from "./session-state.ts";
import { type SettlingDependencies, settle } from "./settling.ts";
import type { Turns } from "./turns.ts";
import type { Unsettled } from "./unsettled.ts";
import type { SupplierWorker } from "./worker.ts";

export type LifecycleDependencies = SettlingDependencies & {
  readonly client: Pick<OpenChainClient, "query">;
  readonly chain: Pick<ChainData, "sharedParamsAt">;
  readonly unsettled: Unsettled;
  /** Suppliers whose claims are asked for at once. */
  readonly reads: Turns;
  readonly sessions: Pick<Sessions, "load">;
  readonly claim: (worker: SupplierWorker, due: readonly DueSession[]) => Promise<void>;
  readonly prove: (worker: SupplierWorker, due: readonly ProvableSession[]) => Promise<void>;
  /** Broadcasts of one phase at most, the first included. */
  readonly maxSends: number;
};

/** All claims of the supplier by session; undefined when the chain cannot be asked, which is never read as "none". */
type Claims = ReadonlyMap<string, Claim> | undefined;

type Look = {
  readonly worker: SupplierWorker;
  readonly height: bigint;
  readonly claims: Claims;
  readonly dependencies: LifecycleDependencies;
};

/**
 * One look at all sessions of a supplier at a committed height: what is due is done, and each session's failure is its own. Everything
 * is derived from Redis and the chain, so a look may be repeated by this process or by the next owner at any time.
 */
export async function lookAt(
  worker: SupplierWorker,
  height: bigint,
  dependencies: LifecycleDependencies,
): Promise<void> {
  const { unsettled, logger } = dependencies;
  const { sessions: records, unreadable } = await unsettled.list(worker);
  for (const { sessionId, reason } of unreadable)
    logger.error(
      { supplier: worker.supplier, session: sessionId, reason },
      "a session record cannot be read",
    );
  const ended = await endedAt(height, records, dependencies);
  const telling = { supplier: worker.supplier, height, metrics: dependencies.metrics, logger };
  if (ended.length === 0)
    for (const phase of ["proof", "claim"] as const) nearestFirst([], { ...telling, phase });
  if (ended.length === 0 || worker.stopped) return;
  const look = {
    worker,
    height,
    dependencies,
    claims: await claimsById(worker.supplier, height, dependencies),
  };
  await tellStrangers(records, look);
  const { toClaim, toProve } = await decideAll(ended, look);
  const proofs = nearestFirst(toProve, { ...telling, phase: "proof" });
  const claims = nearestFirst(toClaim, { ...telling, phase: "claim" });
  // Proofs first: a claim may wait for relays, and a missing proof costs stake.
  if (proofs.length > 0) await dependencies.prove(worker, proofs);
  if (claims.length > 0) await dependencies.claim(worker, claims);
}

const told = new WeakMap<SupplierWorker, Set<string>>();

/** A claim of ours that this Redis knows nothing of: another deployment uses the key, or Redis has lost the session. Told once. */
async function tellStrangers(
  records: readonly SessionRecord[],
  { worker, claims, dependencies: { sessions, metrics, logger } }: Look,
): Promise<void> {
  if (claims === undefined) return;
  const { supplier } = worker;
  const known = new Set(records.map(({ sessionId }) => sessionId));
  const before = told.get(worker) ?? new Set();
  const strangers = [...claims.keys()].filter((session) => !known.has(session));
  told.set(worker, new Set(strangers));
  for (const session of strangers) {
    if (before.has(session) || (await sessions.load(supplier, session).catch(() => "unreadable"))) continue;
    metrics.foreignRoots.inc({ supplier });
    logger.error(
      { supplier, session },
      "the chain holds a claim of ours for a session that this Redis does not know: does a second deployment use this key?",
    );
  }
}

/** Sessions for which something can be due. */
async function endedAt(
  height: bigint,
  records: readonly SessionRecord[],
  { chain, logger }: LifecycleDependencies,
): Promise<readonly DueSession[]> {
  const ended: DueSession[] = [];
  for (const record of records) {
    try {
      const windows = await windowsOf(chain, record.endHeight, height);
      if (windows !== undefined && height >= windows.claimOpen) ended.push({ record, windows });
    } catch (thrown) {
      const { supplier, sessionId: session } = record;
      logger.warn({ supplier, session, error: toError(thrown).message }, "a session's windows are unknown");
    }
  }
  return ended;
}

/** At this very height: an endpoint that is a block behind must not make a claim look absent. */
async function claimsById(
  supplier: string,
  height: bigint,
  { client, logger, reads }: LifecycleDependencies,
): Promise<Claims> {
  try {
    const claims = await reads.take(0n, () => claimsOf(client, supplier, height));
    return new Map(claims.map((claim) => [claim.sessionHeader?.sessionId ?? "", claim]));
  } catch (thrown) {
    logger.warn({ supplier, error: toError(thrown).message }, "the chain's claims are unknown at this block");
    return undefined;
  }
}

async function decideAll(sessions: readonly DueSession[], look: Look) {
  const toClaim: DueSession[] = [];
  const toProve: ProvableSession[] = [];
  const { logger } = look.dependencies;
  const { supplier } = look.worker;
  for (const session of sessions) {
    if (look.worker.stopped) break;
    try {
      const action = await decide(session, look);
      const claim = look.claims?.get(session.record.sessionId);
      if (action.do === "claim") toClaim.push(session);
      else if (action.do === "prove" && claim) toProve.push({ ...session, claim });
    } catch (thrown) {
      logger.error(
        { supplier, session: session.record.sessionId, error: toError(thrown).message },
        "a session could not be looked at; it is tried again at the next block",
      );
    }
  }
  return { toClaim, toProve };
}

/** Does what concerns this session alone, and answers what is left to do for it. */
async function decide(session: DueSession, look: Look): Promise<Action> {
  const { record, windows } = session;
  const { worker, height, claims, dependencies } = look;
  const onChain = await claimOnChain(record, look);
  if (onChain.kind === "ours") await noteClaim(record, look);
  const phase = record.state === "proving" ? "proof" : "claim";
  const action: Action = isTerminal(record.state)
    ? { do: "settle" }
    : nextAction({
        state: record.state,
        height,
        windows,
        claim: onChain,
        sent: dependencies.records.sent(worker.lease, phase, record),
        maxSends: dependencies.maxSends,
      });
  if (action.do === "become") await become(record, action, look);
  if (action.do === "settle") {
    const absent = claims?.has(record.sessionId) === false;
    const claim = claims === undefined ? "unknown" : absent ? "absent" : "there";
    await settle({ worker, record, windows, height, claim }, dependencies);
  }
  return action;
}

const PROOF = {
  [ProofValidationStatus.pending]: "pending",
  [ProofValidationStatus.validated]: "validated",
  [ProofValidationStatus.invalid]: "invalid",
} as const;

async function claimOnChain(record: SessionRecord, { claims, dependencies }: Look): Promise<ClaimOnChain> {
  if (claims === undefined) return { kind: "unknown" };
  const claim = claims.get(record.sessionId);
  if (claim === undefined) return { kind: "absent" };
  const { sealedRoot, liveRoot } = await dependencies.trieStoreOf(record).state();
  // A Redis that lost its last second may have lost the seal, but not the trie that was sealed.
  const ours = sealedRoot ?? liveRoot;
  if (ours !== undefined && equalBytes(ours, claim.rootHash))
    return { kind: "ours", proof: PROOF[claim.proofValidationStatus as keyof typeof PROOF] ?? "pending" };
  if (isTerminal(record.state)) return { kind: "foreign" };
  dependencies.metrics.foreignRoots.inc({ supplier: record.supplier });
  dependencies.logger.error(
    { supplier: record.supplier, session: record.sessionId },
    "the chain holds a claim of ours with another root: does a second deployment use this key?",
  );
  return { kind: "foreign" };
}

async function noteClaim(record: SessionRecord, { worker, claims, dependencies }: Look): Promise<void> {
  const { records, metrics } = dependencies;
  if (!(await records.onChain(worker.lease, "claim", record, "on_chain_found"))) return;
  const { supplier } = worker;
  const root = claims?.get(record.sessionId)?.rootHash;
  if (root) metrics.relaysClaimed.inc({ supplier }, Number(rootTotals(root).count));
  metrics.claimOutcome.inc({ supplier, outcome: "on_chain_found" });
}

async function become(
  record: SessionRecord,
  { state, why }: Extract<Action, { do: "become" }>,
  { worker, dependencies }: Look,
): Promise<void> {
  const { records, metrics, logger } = dependencies;
  const { supplier, lease } = worker;
  if (!(await records.move(lease, record, [record.state], state))) return;
  if (state === "proved") {
    await records.onChain(lease, "proof", record, "on_chain_found");
    metrics.proofOutcome.inc({ supplier, outcome: "on_chain_found" });
  } else if (isTerminal(state)) {
    logger.error({ supplier, session: record.sessionId, state, why }, "a session ended without pay");
    await records.onChain(lease, "claim", record, "on_chain_missing");
    metrics.claimOutcome.inc({ supplier, outcome: "on_chain_missing" });
  }
}
