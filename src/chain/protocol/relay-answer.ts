import { AppError } from "../../base/errors.ts";
import { sha256 } from "../../base/sha256.ts";
import type { RequestBytes } from "./request-bytes.ts";
import { fieldLength, putField, putVarint, varintLength } from "./wire-fields.ts";

/** A signed answer and the leaf it makes. */
export type AnsweredRelay = {
  /** RelayResponse: what the client gets. */
  readonly responseBytes: Uint8Array;
  /** Relay: the full request, and the response without its payload (relay-path 2.3). */
  readonly relayBytes: Uint8Array;
  /** Key of the leaf: sha256 of relayBytes (relay-path 2.3). */
  readonly relayHash: Uint8Array;
};

const FIELD_1 = 0x0a;
const FIELD_2 = 0x12;
const PAYLOAD_HASH = 0x22;
const SIGNATURE_BYTES = 64;

/**
 * The answer to a request, encoded once: what `buildResponse`, `RelayResponse.encode` and `mineRelay` give, without an object between.
 * `sign` signs a final 32-byte digest with the supplier's key: 64 bytes r, s (relay-path 4.1). Throws AppError EMPTY_PAYLOAD, as Go
 * refuses one too.
 */
export function answerRelay(
  { bytes, header }: RequestBytes,
  payload: Uint8Array,
  sign: (digest: Uint8Array) => Uint8Array,
): AnsweredRelay {
  if (payload.length === 0)
    throw new AppError("EMPTY_PAYLOAD", "a response without payload cannot be signed");
  const payloadHash = sha256(payload);
  // The chain's key type hashes what it is given once more (relay-path 4.1).
  const signature = sign(sha256(sha256(mined(header, undefined, payloadHash))));
  const response = mined(header, signature, payloadHash);
  const relayBytes = new Uint8Array(fieldLength(bytes) + fieldLength(response));
  putField(relayBytes, putField(relayBytes, 0, FIELD_1, bytes), FIELD_2, response);
  return { responseBytes: withPayload(response, payload), relayBytes, relayHash: sha256(relayBytes) };
}

/** A response without its payload; without a signature it is what the supplier signs (relay-path 2.2). */
function mined(header: Uint8Array | undefined, signature: Uint8Array | undefined, hash: Uint8Array): Buffer {
  const metaLength =
    (header === undefined ? 0 : fieldLength(header)) + (signature === undefined ? 0 : 2 + SIGNATURE_BYTES);
  const response = Buffer.allocUnsafe(1 + varintLength(metaLength) + metaLength + fieldLength(hash));
  response[0] = FIELD_1;
  let at = putVarint(response, 1, metaLength);
  if (header !== undefined) at = putField(response, at, FIELD_1, header);
  if (signature !== undefined) at = putField(response, at, FIELD_2, signature);
  putField(response, at, PAYLOAD_HASH, hash);
  return response;
}

/** The payload stands between the metadata and its hash, which are 34 bytes with its tag and length. */
function withPayload(response: Uint8Array, payload: Uint8Array): Uint8Array {
  const whole = new Uint8Array(response.length + fieldLength(payload));
  const metaEnd = response.length - 34;
  whole.set(response.subarray(0, metaEnd));
  const at = putField(whole, metaEnd, FIELD_2, payload);
  whole.set(response.subarray(metaEnd), at);
  return whole;
}
