import { equalBytes, toHex } from "../../base/bytes.ts";
import { AppError } from "../../base/errors.ts";
import { type Claim, type Proof, ProofValidationStatus } from "../../chain/proto/proof.ts";
import type { RelayRequest } from "../../chain/proto/service.ts";
import type { SessionHeader } from "../../chain/proto/session.ts";
import { proofPath } from "../../chain/protocol/proof-path.ts";
import { requestDigest } from "../../chain/protocol/relay-hash.ts";
import { verifyResponse } from "../../chain/protocol/response-signature.ts";
import { ringAddresses, ringPublicKeys } from "../../chain/protocol/ring/members.ts";
import { prepareRing } from "../../chain/protocol/ring/prepare.ts";
import { verifyRingOnChain } from "../../chain/protocol/ring/verify.ts";
import { verifyClosestProof } from "../../smst/verify.ts";
import { publicKeyOf } from "../chain/accounts.ts";
import { type BlockContext, typedEvent } from "../context.ts";
import { storeClaim } from "../keys.ts";
import { type ChainState, liveParams } from "../state.ts";
import { claimFields, seedHash } from "./claim-value.ts";
import { quoted } from "./header-text.ts";
import { readProof } from "./proof-relay.ts";

/**
 * Verifies the proofs that came in: the claim becomes validated or invalid, the proof goes, and an event tells why. Proofs without a
 * claim stay and say nothing (mining-path 4.6, chain 7.4).
 */
export function verifyProofs(state: ChainState, ctx: BlockContext): void {
  for (const key of state.proofs.keys()) {
    const proof = state.proofs.get(key);
    const claim = state.claims.get(key);
    const header = claim?.sessionHeader;
    if (proof === undefined || claim === undefined || header === undefined) continue;
    const failure = proofFailure(state, proof, claim);
    const { validated, invalid } = ProofValidationStatus;
    const judged = { ...claim, proofValidationStatus: failure === undefined ? validated : invalid };
    storeClaim(state, judged);
    state.proofs.delete(key);
    ctx.emit(
      typedEvent("pocket.proof.EventProofValidityChecked", {
        ...claimFields(judged, header),
        block_height: ctx.height,
        failure_reason: failure ?? "",
      }),
    );
  }
}

/** Why a proof is worth nothing, in the chain's order and, where it was seen, its words; undefined for a good one. */
function proofFailure(state: ChainState, proof: Proof, claim: Claim): string | undefined {
  const { supplierOperatorAddress: supplier, sessionHeader } = proof;
  const supplierKey = publicKeyOf(state, supplier);
  if (supplierKey === undefined) return `no public key of supplier ${quoted(supplier)}: public key not found`;
  if (sessionHeader === undefined) return "session header is nil: invalid session header";
  const read = readProof(proof.closestMerkleProof);
  if ("problem" in read) return read.problem;
  const { req, res } = read.relay;
  if (req === undefined || res === undefined) return "failed to unmarshal relay: invalid relay";
  const ring = ringFailure(state, req);
  if (ring !== undefined) return `${ring}: invalid relay request signature`;
  if (!verifyResponse(res, supplierKey)) return "invalid signature: invalid relay response";
  const path = pathFailure(state, read.proof.path, sessionHeader);
  if (path !== undefined) return path;
  if (!verifyClosestProof(read.proof, claim.rootHash)) return "invalid closest merkle proof: invalid proof";
  return undefined;
}

/** The ring is that of the application as it is now, with gateways by the session's end under live params. */
function ringFailure(state: ChainState, request: RelayRequest): string | undefined {
  const header = request.meta.sessionHeader;
  const application = header && state.applications.get(header.applicationAddress);
  if (header === undefined || application === undefined) return "application not found";
  const addresses = ringAddresses(application, header.sessionEndBlockHeight, liveParams(state, "shared"));
  try {
    const keys = ringPublicKeys(addresses, (address) => ringKey(state, address));
    const verdict = verifyRingOnChain(prepareRing(keys), requestDigest(request), request.meta.signature);
    return verdict.ok ? undefined : "invalid relay request signature or bytes";
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    return thrown.message;
  }
}

function ringKey(state: ChainState, address: string): Uint8Array {
  const key = publicKeyOf(state, address);
  if (key === undefined)
    throw new AppError("NO_PUBLIC_KEY", `no public key of ring member ${quoted(address)}`);
  return key;
}

/** The seed block is that of the end that the proof message gave (chain 7.2). */
function pathFailure(state: ChainState, path: Uint8Array, header: SessionHeader): string | undefined {
  const seed = seedHash(state, header.sessionEndBlockHeight);
  if (seed === undefined) return "the seed block of the proof's path is not known: invalid proof";
  const expected = proofPath(seed, header.sessionId);
  if (equalBytes(path, expected)) return undefined;
  return `the path of the proof provided (${toHex(path)}) does not match one expected by the onchain protocol (${toHex(expected)}): invalid proof`;
}
