import { equalBytes, toHex } from "../../base/bytes.ts";
import { AppError, toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { OpenChainClient } from "../../chain/node/client.ts";
import { type Claim, MsgSubmitProof, type ProofParams } from "../../chain/proto/proof.ts";
import { rootTotals } from "../../chain/protocol/claim.ts";
import { claimedUpokt } from "../../chain/protocol/pricing.ts";
import { proofPath } from "../../chain/protocol/proof-path.ts";
import { proofRequirement } from "../../chain/protocol/proof-requirement.ts";
import { toAny } from "../../chain/protocol/tx/message.ts";
import type { ChainData } from "../cache/chain-data.ts";
import type { SessionRecord } from "../redis/session-record.ts";
import { headerOf } from "./claim.ts";
import type { MinerMetrics } from "./metrics.ts";
import type { Records } from "./records.ts";
import { type DueSession, send } from "./send.ts";
import type { Item, Submitted, Submitter } from "./submit.ts";
import type { SupplierWorker } from "./worker.ts";

export type ProveDependencies = {
  readonly client: Pick<OpenChainClient, "block" | "blockHashes">;
  readonly chain: Pick<ChainData, "caches" | "sharedParamsAt" | "difficultyAt">;
  readonly records: Records;
  readonly submitter: Pick<Submitter, "submit">;
  readonly height: () => bigint;
  /** False: one transaction a proof. */
  readonly together: boolean;
  readonly logger: Logger;
  readonly metrics: MinerMetrics;
};

/** A session whose claim is on chain, with the claim as the chain has it. */
export type ProvableSession = DueSession & { readonly claim: Claim };

/** The chain's words for "this claim needs no proof" (chain 7.3, mining-path 4.5). */
const NOT_REQUIRED = /proof not required/;
/** So many blocks before the window closes endpoints that disagree are waited for no more. */
const DECIDE_BEFORE_CLOSE = 2n;

/**
 * Decides for every due session of a supplier whether a proof is required, and sends the required ones together (mining-path 4).
 * A session that fails leaves the others alone and is tried again at the next block.
 */
export async function prove(
  worker: SupplierWorker,
  due: readonly ProvableSession[],
  dependencies: ProveDependencies,
): Promise<void> {
  const seeds = new Map<bigint, Promise<Uint8Array>>();
  const seedOf = ({ windows }: ProvableSession): Promise<Uint8Array> => {
    const height = windows.proofOpen - 1n;
    const known = seeds.get(height);
    const seed = known ?? seedBlockHash(height, windows.proofClose, dependencies);
    seeds.set(height, seed);
    return seed;
  };
  // Asked anew, and once for all sessions of this look: at a session boundary there are thousands.
  let params: Promise<ProofParams> | undefined;
  await send({
    ...dependencies,
    phase: "proof",
    worker,
    due,
    prepare: async (session) => {
      const seedHash = await seedOf(session);
      params ??= dependencies.chain.caches.proof_params.refresh("live");
      return prepare(worker, session, { seedHash, params }, dependencies);
    },
    note: (session, item, result) => note(worker, session, item, result, dependencies),
  });
}

/** What decides whether a proof is required, and of which leaf. */
type Decision = { readonly seedHash: Uint8Array; readonly params: Promise<ProofParams> };

async function prepare(
  worker: SupplierWorker,
  { record, claim }: ProvableSession,
  decision: Decision,
  dependencies: ProveDependencies,
): Promise<Item | undefined> {
  const { records, metrics } = dependencies;
  if (!(await isRequired(claim, record, decision, dependencies))) {
    if (await records.move(worker.lease, record, ["claimed", "proving"], "probabilistic_proved"))
      metrics.proofsNotRequired.inc({ supplier: worker.supplier });
    return undefined;
  }
  if (!(await records.move(worker.lease, record, ["claimed", "proving"], "proving"))) return undefined;
  if (record.state === "claimed") metrics.proofsRequired.inc({ supplier: worker.supplier });
  // Sealed long ago, unless Redis has lost that: the root on chain is the live one then, or there is nothing to prove with.
  const root = await worker.seal(record);
  if (root === undefined) return undefined;
  if (!equalBytes(root, claim.rootHash))
    throw new AppError("PROOF_INVALID", "the claim on chain has another root than the trie", {
      session: record.sessionId,
    });
  const path = proofPath(decision.seedHash, record.sessionId);
  const proof = await worker.exclusive(() => worker.trie(record).prove(path));
  worker.forget(record.sessionId);
  if (proof === undefined) return undefined;
  const message: MsgSubmitProof = {
    supplierOperatorAddress: worker.supplier,
    sessionHeader: headerOf(record),
    proof,
  };
  return { sessionId: record.sessionId, message: toAny(MsgSubmitProof, message), hash: toHex(proof) };
}

async function note(
  worker: SupplierWorker,
  { record, windows }: ProvableSession,
  { hash }: Item,
  result: Submitted,
  { records, metrics, logger }: ProveDependencies,
): Promise<void> {
  if (result.outcome === "accepted") {
    metrics.proofsSubmitted.inc({ supplier: worker.supplier });
    metrics.proofBlocks.observe(Number(result.height - windows.proofOpen));
    return records.proofSent(worker.lease, record, result, hash);
  }
  if (result.outcome === "refused" && NOT_REQUIRED.test(result.text)) {
    await records.move(worker.lease, record, ["claimed", "proving"], "probabilistic_proved");
    return;
  }
  metrics.proofErrors.inc({ supplier: worker.supplier, reason: result.outcome });
  logger.error(
    { supplier: worker.supplier, session: record.sessionId, outcome: result.outcome, reason: result.text },
    "a proof was not taken",
  );
  if (result.outcome === "unanswered") return records.proofSent(worker.lease, record, result, hash);
  return records.sendFailed("proof", record, result.text);
}

/**
 * Exactly the chain's decision, with its params of this moment: it decides anew when the proof comes and at settlement (mining-path 4.3).
 * When it cannot be known, yes: a proof that was not required is refused before it costs anything.
 */
async function isRequired(
  claim: Claim,
  { sessionId, startHeight, serviceId }: SessionRecord,
  decision: Decision,
  { chain, logger }: ProveDependencies,
): Promise<boolean> {
  try {
    const [params, shared, { targetHash }] = await Promise.all([
      decision.params,
      chain.sharedParamsAt(startHeight),
      chain.difficultyAt(serviceId, startHeight),
    ]);
    const { sum } = rootTotals(claim.rootHash);
    const upokt = claimedUpokt({ computeUnits: sum, target: targetHash, params: shared });
    return proofRequirement({ claim, params, seedHash: decision.seedHash, claimedUpokt: upokt }).required;
  } catch (thrown) {
    logger.warn(
      { session: sessionId, error: toError(thrown).message },
      "whether a proof is required is unknown",
    );
    return true;
  }
}

/**
 * The hash that decides on requirement and path. A node that lies or lags about it would make us send a proof of the wrong leaf: where
 * several endpoints are configured they must agree. Shortly before the window closes most of them decide, the first one in a tie:
 * no proof at all would cost as much as a wrong one.
 */
async function seedBlockHash(
  height: bigint,
  close: bigint,
  { client, height: now, logger }: ProveDependencies,
): Promise<Uint8Array> {
  const { hash } = await client.block(height);
  const others = await client.blockHashes(height);
  const other = others.find((told) => !equalBytes(told.hash, hash));
  if (other === undefined) return hash;
  const fields = { height, endpoint: other.name };
  if (now() < close - DECIDE_BEFORE_CLOSE)
    throw new AppError(
      "SEED_HASH_DISAGREES",
      "two endpoints give different hashes of the seed block",
      fields,
    );
  logger.error(fields, "endpoints still disagree on the seed block: the hash that most of them give is used");
  return others.reduce(
    (best, { hash: told }) => (votes(told, others) > votes(best, others) ? told : best),
    others[0]?.hash ?? hash,
  );
}

const votes = (hash: Uint8Array, told: readonly { readonly hash: Uint8Array }[]): number =>
  told.filter((given) => equalBytes(given.hash, hash)).length;
