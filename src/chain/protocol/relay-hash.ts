import { EMPTY } from "../../base/bytes.ts";
import { sha256 } from "../../base/sha256.ts";
import { Relay, RelayRequest, RelayResponse } from "../proto/service.ts";

/** What a request's ring signature covers: the re-encoded request without that signature (relay-path 2.1). */
export const signableRequest = (request: RelayRequest): Uint8Array =>
  RelayRequest.encode({ ...request, meta: { ...request.meta, signature: EMPTY } });

/** The 32 bytes that a request's ring signature signs (relay-path 2.1). */
export const requestDigest = (request: RelayRequest): Uint8Array => sha256(signableRequest(request));

/** What is hashed for the supplier's signature: no signature, and no payload where a payload hash is set, even an empty one (relay-path 2.2). */
export function signableResponse(response: RelayResponse): Uint8Array {
  const { meta, payloadHash, payload } = response;
  return RelayResponse.encode({
    ...response,
    meta: { ...meta, supplierOperatorSignature: EMPTY },
    payload: payloadHash === undefined ? payload : EMPTY,
  });
}

/**
 * The digest that the supplier's key signs and a verifier checks: the signable bytes hashed twice, because the chain's key type
 * hashes what it is given once more (relay-path 4.1).
 */
export const responseDigest = (response: RelayResponse): Uint8Array =>
  sha256(sha256(signableResponse(response)));

/** What a response carries of its payload once it is mined: sha256 (relay-path 2.2). */
export const payloadHash = sha256;

/** The key of a relay's leaf: sha256 of the relay's bytes (relay-path 2.3). */
export const relayHash = sha256;

/** A relay as it is mined: the full request and the response without its payload (relay-path 2.3). */
export function mineRelay(
  request: RelayRequest,
  response: RelayResponse,
): { readonly relay: Relay; readonly relayBytes: Uint8Array; readonly relayHash: Uint8Array } {
  const relay: Relay = { req: request, res: { ...response, payload: EMPTY } };
  const relayBytes = Relay.encode(relay);
  return { relay, relayBytes, relayHash: relayHash(relayBytes) };
}
