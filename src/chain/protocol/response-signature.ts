import { EMPTY } from "../../base/bytes.ts";
import { AppError } from "../../base/errors.ts";
import type { RelayMinerError, RelayRequest, RelayResponse } from "../proto/service.ts";
import { verifyDigest } from "./ecdsa.ts";
import { payloadHash, responseDigest } from "./relay-hash.ts";

type Build = {
  readonly request: RelayRequest;
  /** The serialized POKTHTTPResponse, or a raw frame. */
  readonly payload: Uint8Array;
  readonly relayMinerError?: RelayMinerError;
  /** Signs a final 32-byte digest with the supplier's key: 64 bytes r, s. */
  readonly sign: (digest: Uint8Array) => Uint8Array;
};

/** A signed response with its payload and the payload's hash (relay-path 4.1). Throws AppError EMPTY_PAYLOAD, as Go refuses one too. */
export function buildResponse({ request, payload, relayMinerError, sign }: Build): RelayResponse {
  if (payload.length === 0)
    throw new AppError("EMPTY_PAYLOAD", "a response without payload cannot be signed");
  const unsigned: RelayResponse = {
    meta: { sessionHeader: request.meta.sessionHeader, supplierOperatorSignature: EMPTY },
    payload,
    relayMinerError,
    payloadHash: payloadHash(payload),
  };
  return signResponse(unsigned, sign);
}

/** The response with the supplier's signature over it in place of the one it had. `sign` as in buildResponse. */
export function signResponse(response: RelayResponse, sign: Build["sign"]): RelayResponse {
  const supplierOperatorSignature = sign(responseDigest(response));
  return { ...response, meta: { ...response.meta, supplierOperatorSignature } };
}

/** Whether the supplier's key signed it, in the form with a payload hash or in the older one without (relay-path 2.2, 4.2). */
export const verifyResponse = (response: RelayResponse, supplierPublicKey: Uint8Array): boolean =>
  verifyDigest(supplierPublicKey, responseDigest(response), response.meta.supplierOperatorSignature);
