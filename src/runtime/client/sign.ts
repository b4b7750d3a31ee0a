import { EMPTY } from "../../base/bytes.ts";
import { RelayRequest } from "../../chain/proto/service.ts";
import type { SessionHeader } from "../../chain/proto/session.ts";
import { requestDigest } from "../../chain/protocol/relay-hash.ts";
import type { PreparedRing } from "../../chain/protocol/ring/prepare.ts";
import { signRing } from "../../chain/protocol/ring/sign.ts";

/** Who signs for an application in one session. */
export type Signers = {
  readonly header: SessionHeader;
  readonly ring: PreparedRing;
  /** In ring order. */
  readonly publicKeys: readonly Uint8Array[];
  /** The ring's members whose private keys we have; never empty. */
  readonly members: readonly { readonly index: number; readonly privateKey: Uint8Array }[];
};

export type Unsigned = {
  readonly supplier: string;
  /** A serialized POKTHTTPRequest, or a raw WebSocket message (relay-path 1.1, 6.6); empty for a handshake. */
  readonly payload: Uint8Array;
  /** Members take turns: the n-th relay is signed by the n-th of them. */
  readonly turn?: number;
};

/**
 * A request signed for the session (relay-path 2.1). Two signatures of the same request differ, as each has a nonce of its own: so two
 * requests signed here are two relays. Throws what signRing throws.
 */
export function signRequest(signers: Signers, { supplier, payload, turn = 0 }: Unsigned): RelayRequest {
  const meta = { sessionHeader: signers.header, signature: EMPTY, supplierOperatorAddress: supplier };
  const member = signers.members[turn % signers.members.length];
  if (member === undefined) throw new Error("nobody can sign for the application");
  const signature = signRing({
    publicKeys: signers.publicKeys,
    ring: signers.ring,
    signerIndex: member.index,
    privateKey: member.privateKey,
    digest: requestDigest({ meta, payload }),
  });
  return { meta: { ...meta, signature }, payload };
}

/** A request ready to be sent as often as it takes: the same bytes are the same relay. */
export type SignedRelay = {
  readonly request: RelayRequest;
  readonly bytes: Uint8Array;
  readonly supplier: AnsweringSupplier;
};

/** Whose signature an answer must bear. */
export type AnsweringSupplier = { readonly address: string; readonly publicKey: Uint8Array };

export function signRelay(
  signers: Signers,
  supplier: AnsweringSupplier,
  { payload, turn = 0 }: Pick<Unsigned, "payload" | "turn">,
): SignedRelay {
  const request = signRequest(signers, { supplier: supplier.address, payload, turn });
  return { request, bytes: RelayRequest.encode(request), supplier };
}
