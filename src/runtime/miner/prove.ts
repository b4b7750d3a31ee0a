import { equalBytes } from "../../base/bytes.ts";
import { AppError, toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { OpenChainClient } from "../../chain/node/client.ts";
import { type Claim, MsgSubmitProof } from "../../chain/proto/proof.ts";
import { rootTotals } from "../../chain/protocol/claim.ts";
import { claimedUpokt } from "../../chain/protocol/pricing.ts";
import { proofPath } from "../../chain/protocol/proof-path.ts";
import { proofRequirement } from "../../chain/protocol/proof-requirement.ts";
import { toAny } from "../../chain/protocol/tx/message.ts";
import type { ChainData } from "../cache/chain-data.ts";
import { earliest } from "./calendar.ts";
import { codeOf, type DueSession, headerOf } from "./claim.ts";
import type { MinerMetrics } from "./metrics.ts";
import type { Records } from "./records.ts";
import type { Item, Submitter } from "./submit.ts";
import type { SupplierWorker } from "./worker.ts";

export type ProveDependencies = {
  readonly client: OpenChainClient;
  readonly chain: ChainData;
  readonly records: Records;
  readonly submitter: Submitter;
  readonly logger: Logger;
  readonly metrics: MinerMetrics;
};

/** A session whose claim is on chain, with the claim as the chain has it. */
export type ProvableSession = DueSession & { readonly claim: Claim };

/** The chain's words for "this claim needs no proof" (chain 7.3, mining-path 4.5). */
const NOT_REQUIRED = /proof not required/;

/**
 * Decides for every due session of a supplier whether a proof is required, and sends the required ones in one transaction
 * (mining-path 4). A session that fails leaves the others alone and is tried again at the next block.
 */
export async function prove(
  worker: SupplierWorker,
  due: readonly ProvableSession[],
  dependencies: ProveDependencies,
): Promise<void> {
  const { records, metrics, logger, submitter } = dependencies;
  const items: Item[] = [];
  for (const session of due) {
    try {
      const item = await prepare(worker, session, dependencies);
      if (item) items.push(item);
    } catch (thrown) {
      metrics.proofErrors.inc({ supplier: worker.supplier, reason: codeOf(thrown) });
      logger.error(
        { supplier: worker.supplier, session: session.record.sessionId, error: toError(thrown).message },
        "a proof could not be prepared; it is tried again at the next block",
      );
    }
  }
  const close = earliest(due.map(({ windows }) => windows.proofClose));
  const sent = await submitter.submit({ supplier: worker.supplier, items, close });
  for (const { record, windows } of due) {
    const result = sent.get(record.sessionId);
    if (result === undefined) continue;
    if (result.outcome === "accepted") {
      metrics.proofsSubmitted.inc({ supplier: worker.supplier });
      metrics.proofBlocks.observe(Number(result.height - windows.proofOpen));
      await records.proofSent(worker.lease, record, result);
    } else if (NOT_REQUIRED.test(result.text)) {
      await records.move(worker.lease, record, ["claimed", "proving"], "probabilistic_proved");
    } else {
      metrics.proofErrors.inc({ supplier: worker.supplier, reason: result.outcome });
      logger.error(
        { supplier: worker.supplier, session: record.sessionId, reason: result.text },
        "a proof was not taken",
      );
      await records.sendFailed("proof", record, result.text);
    }
  }
}

async function prepare(
  worker: SupplierWorker,
  { record, windows, claim }: ProvableSession,
  dependencies: ProveDependencies,
): Promise<Item | undefined> {
  const { records, metrics } = dependencies;
  const seedHash = await seedBlockHash(windows.proofOpen - 1n, dependencies);
  if (!(await isRequired(claim, record.startHeight, record.serviceId, seedHash, dependencies))) {
    metrics.proofsNotRequired.inc({ supplier: worker.supplier });
    await records.move(worker.lease, record, ["claimed", "proving"], "probabilistic_proved");
    return undefined;
  }
  metrics.proofsRequired.inc({ supplier: worker.supplier });
  await records.move(worker.lease, record, ["claimed", "proving"], "proving");
  const path = proofPath(seedHash, record.sessionId);
  const proof = await worker.exclusive(() => worker.trie(record).prove(path));
  if (proof === undefined) return undefined;
  const message: MsgSubmitProof = {
    supplierOperatorAddress: worker.supplier,
    sessionHeader: headerOf(record),
    proof,
  };
  return { sessionId: record.sessionId, message: toAny(MsgSubmitProof, message) };
}

/** Exactly the chain's decision, with its params of this moment: it decides anew when the proof comes and at settlement (mining-path 4.3). */
async function isRequired(
  claim: Claim,
  startHeight: bigint,
  serviceId: string,
  seedHash: Uint8Array,
  { chain }: ProveDependencies,
): Promise<boolean> {
  const [params, shared, { targetHash }] = await Promise.all([
    chain.caches.proof_params.refresh("live"),
    chain.sharedParamsAt(startHeight),
    chain.difficultyAt(serviceId, startHeight),
  ]);
  const { sum } = rootTotals(claim.rootHash);
  const upokt = claimedUpokt({ computeUnits: sum, target: targetHash, params: shared });
  return proofRequirement({ claim, params, seedHash, claimedUpokt: upokt }).required;
}

/**
 * The hash that decides on requirement and path. A node that lies or lags about it would make us send a proof of the wrong leaf:
 * where several endpoints are configured they must agree.
 */
async function seedBlockHash(height: bigint, { client }: ProveDependencies): Promise<Uint8Array> {
  const { hash } = await client.block(height);
  const others = await client.blockHashes(height);
  const other = others.find((told) => !equalBytes(told.hash, hash));
  if (other)
    throw new AppError("SEED_HASH_DISAGREES", "two endpoints give different hashes of the seed block", {
      height,
      endpoint: other.name,
    });
  return hash;
}
