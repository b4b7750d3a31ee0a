import { AppError } from "../../base/errors.ts";
import { sha256 } from "../../base/sha256.ts";
import type { RequestBytes } from "./request-bytes.ts";
import { fieldLength, putField, putVarint, varintLength } from "./wire-fields.ts";

/** What is mined of a relay. */
export type RelayLeaf = {
  /** Relay: the full request, and the response without its payload (relay-path 2.3). */
  readonly relayBytes: Uint8Array;
  /** Key of the leaf: sha256 of relayBytes (relay-path 2.3). */
  readonly relayHash: Uint8Array;
};

/** A signed answer and the leaf it makes. */
export type AnsweredRelay = RelayLeaf & {
  /** RelayResponse: what the client gets. */
  readonly responseBytes: Uint8Array;
};

/** Signs a final 32-byte digest with the supplier's key: 64 bytes r, s (relay-path 4.1). */
type Sign = (digest: Uint8Array) => Uint8Array;

const FIELD_1 = 0x0a;
const FIELD_2 = 0x12;
const PAYLOAD_HASH = 0x22;
const SIGNATURE_BYTES = 64;

/**
 * The answer to a request, encoded once: what `buildResponse`, `RelayResponse.encode` and `mineRelay` give, without an object between.
 * Throws AppError EMPTY_PAYLOAD, as Go refuses one too.
 */
export function answerRelay(request: RequestBytes, payload: Uint8Array, sign: Sign): AnsweredRelay {
  const response = signed(request, hashOf(payload), sign);
  const relayBytes = relayOf(request, response);
  return { responseBytes: withPayload(response, payload), relayBytes, relayHash: sha256(relayBytes) };
}

/** One of the many answers of a stream: signed for the client, and mined only as a part of the whole (relay-path 6.4). Throws as above. */
export const answerPart = (request: RequestBytes, payload: Uint8Array, sign: Sign): Uint8Array =>
  withPayload(signed(request, hashOf(payload), sign), payload);

/** The leaf of an answer of which only the payload's hash is known: a stream's, whose payload are all its lines (relay-path 2.6, 6.4). */
export function leafOfHash(request: RequestBytes, payloadHash: Uint8Array, sign: Sign): RelayLeaf {
  const relayBytes = relayOf(request, signed(request, payloadHash, sign));
  return { relayBytes, relayHash: sha256(relayBytes) };
}

function hashOf(payload: Uint8Array): Uint8Array {
  if (payload.length === 0)
    throw new AppError("EMPTY_PAYLOAD", "a response without payload cannot be signed");
  return sha256(payload);
}

/** A signed response without its payload. The chain's key type hashes what it is given once more (relay-path 4.1). */
function signed({ header }: RequestBytes, payloadHash: Uint8Array, sign: Sign): Buffer {
  return mined(header, sign(sha256(sha256(mined(header, undefined, payloadHash)))), payloadHash);
}

function relayOf({ bytes }: RequestBytes, response: Uint8Array): Uint8Array {
  const relay = new Uint8Array(fieldLength(bytes) + fieldLength(response));
  putField(relay, putField(relay, 0, FIELD_1, bytes), FIELD_2, response);
  return relay;
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
