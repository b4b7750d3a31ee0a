import { EMPTY } from "../../base/bytes.ts";
import { AppError } from "../../base/errors.ts";
import { Relay } from "../../chain/proto/service.ts";
import { decompactClosestProof } from "../../smst/compact.ts";
import { decodeClosestProof } from "../../smst/gob.ts";
import type { ClosestProof } from "../../smst/proof-types.ts";

/** Weight and count at the end of a leaf's value. */
const TOTALS_LENGTH = 16;

export type ProvenRelay = {
  readonly proof: ClosestProof;
  readonly relay: Relay;
  readonly relayBytes: Uint8Array;
};

/** What a proof message's bytes hold, or the chain's text of why they hold nothing, by step (chain 7.2). */
export function readProof(bytes: Uint8Array): ProvenRelay | { readonly problem: string } {
  const compact = attempt(() => decodeClosestProof(bytes));
  if ("problem" in compact)
    return {
      problem: `failed to unmarshal sparse compact merkle closest proof: ${compact.problem}: invalid proof`,
    };
  const proof = attempt(() => decompactClosestProof(compact.value));
  if ("problem" in proof)
    // the chain's own spelling
    return { problem: `failed to decompact sparse erkle closest proof: ${proof.problem}: invalid proof` };
  const leaf = proof.value.closestValueHash ?? EMPTY;
  if (leaf.length < TOTALS_LENGTH)
    return { problem: "failed to unmarshal relay: unexpected EOF: invalid relay" };
  const relayBytes = leaf.subarray(0, leaf.length - TOTALS_LENGTH);
  const relay = attempt(() => Relay.decode(relayBytes));
  if ("problem" in relay) return { problem: `failed to unmarshal relay: ${relay.problem}: invalid relay` };
  return { proof: proof.value, relay: relay.value, relayBytes };
}

function attempt<T>(action: () => T): { readonly value: T } | { readonly problem: string } {
  try {
    return { value: action() };
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    return { problem: thrown.message };
  }
}
