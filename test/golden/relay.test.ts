import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { EMPTY, fromHex, toHex } from "../../src/base/bytes.ts";
import { PoktHttpResponse } from "../../src/chain/proto/http-envelope.ts";
import { MinedRelayMessage } from "../../src/chain/proto/mined-relay.ts";
import { Relay, RelayRequest, RelayResponse } from "../../src/chain/proto/service.ts";
import { SessionHeader } from "../../src/chain/proto/session.ts";
import { addressOf } from "../../src/chain/protocol/address.ts";
import {
  difficultyMultiplier,
  nextDifficulty,
  relayApplicable,
} from "../../src/chain/protocol/difficulty.ts";
import { publicKeyOf, signDigest } from "../../src/chain/protocol/ecdsa.ts";
import { errorResponse } from "../../src/chain/protocol/error-answer.ts";
import { headerMap } from "../../src/chain/protocol/http-headers.ts";
import { answerRelay } from "../../src/chain/protocol/relay-answer.ts";
import {
  mineRelay,
  relayHash,
  requestDigest,
  responseDigest,
  signableRequest,
  signableResponse,
} from "../../src/chain/protocol/relay-hash.ts";
import { digestOfRequest, openRequest } from "../../src/chain/protocol/request-bytes.ts";
import { buildResponse, signResponse, verifyResponse } from "../../src/chain/protocol/response-signature.ts";
import { prepareRing } from "../../src/chain/protocol/ring/prepare.ts";
import { signRing } from "../../src/chain/protocol/ring/sign.ts";
import { verifyRingOnChain } from "../../src/chain/protocol/ring/verify.ts";
import { requestProblem, responseProblem } from "../../src/chain/protocol/validate.ts";
import { Vectors } from "../kit/vectors.ts";

type HeaderFields = Record<
  | "application_address"
  | "service_id"
  | "session_id"
  | "session_start_block_height"
  | "session_end_block_height"
  | "bytes",
  string
>;
type RequestFields = {
  session_header: HeaderFields | null;
  signature: string;
  supplier_operator_address: string;
  payload: string;
};
type ResponseFields = {
  session_header: HeaderFields | null;
  supplier_operator_signature: string;
  payload: string;
  payload_hash: string;
  payload_hash_is_set: boolean;
  relay_miner_error: { codespace: string; code: number; description: string; message: string } | null;
};

const vectors = new Vectors("relay");
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const signer =
  (privateKey: string) =>
  (digest: Uint8Array): Uint8Array =>
    signDigest(fromHex(privateKey), digest);

function header(fields: HeaderFields | null): SessionHeader | undefined {
  if (fields === null) return undefined;
  const made: SessionHeader = {
    applicationAddress: fields.application_address,
    serviceId: fields.service_id,
    sessionId: fields.session_id,
    sessionStartBlockHeight: BigInt(fields.session_start_block_height),
    sessionEndBlockHeight: BigInt(fields.session_end_block_height),
  };
  expect(toHex(SessionHeader.encode(made))).toBe(fields.bytes);
  return made;
}

const request = (fields: RequestFields): RelayRequest => ({
  meta: {
    sessionHeader: header(fields.session_header),
    signature: fromHex(fields.signature),
    supplierOperatorAddress: fields.supplier_operator_address,
  },
  payload: fromHex(fields.payload),
});

const response = (fields: ResponseFields): RelayResponse => ({
  meta: {
    sessionHeader: header(fields.session_header),
    supplierOperatorSignature: fromHex(fields.supplier_operator_signature),
  },
  payload: fromHex(fields.payload),
  relayMinerError: fields.relay_miner_error ?? undefined,
  payloadHash: fields.payload_hash_is_set ? fromHex(fields.payload_hash) : undefined,
});

const unsigned = (signed: RelayResponse): RelayResponse => ({
  ...signed,
  meta: { ...signed.meta, supplierOperatorSignature: EMPTY },
});

function ringVerifies(ring: readonly string[], signed: RelayRequest): boolean {
  const prepared = prepareRing(ring.map((key) => fromHex(key)));
  return verifyRingOnChain(prepared, requestDigest(signed), signed.meta.signature).ok;
}

function checkSigned(signed: RelayResponse, expected: { signable: string; hash: string }, key: string): void {
  expect(toHex(signableResponse(signed))).toBe(expected.signable);
  expect(sha256(signableResponse(signed))).toBe(expected.hash);
  expect(toHex(responseDigest(signed))).toBe(sha256(fromHex(expected.hash)));
  expect(verifyResponse(signed, publicKeyOf(fromHex(key)))).toBe(true);
  expect(toHex(RelayResponse.encode(signResponse(unsigned(signed), signer(key))))).toBe(
    toHex(RelayResponse.encode(signed)),
  );
}

type Backend = { status: number; headers: Record<string, string[]> | null; body: string };

/** What is wrapped of a backend's answer: a gzip body is opened if it can be (relay-path 6.3). */
function wrapped({ status, headers, body }: Backend): Uint8Array {
  const pairs = Object.entries(headers ?? {}).flatMap(([name, values]) =>
    values.map((value) => [name, value] as const),
  );
  const isEncoding = ([name, value]: readonly [string, string]): boolean =>
    name.toLowerCase() === "content-encoding" && value.toLowerCase() === "gzip";
  const wrap = (kept: typeof pairs, bodyBz: Uint8Array): Uint8Array =>
    PoktHttpResponse.encode({ statusCode: status, header: headerMap(kept), bodyBz });
  if (!pairs.some(isEncoding) && !body.startsWith("1f8b")) return wrap(pairs, fromHex(body));
  try {
    const opened = gunzipSync(fromHex(body));
    return wrap(
      pairs.filter((pair) => !isEncoding(pair)),
      opened,
    );
  } catch {
    return wrap(pairs, fromHex(body));
  }
}

type Mined = {
  error?: string;
  relay_bytes: string;
  relay_hash: string;
  response_fields: ResponseFields;
  response_signable_bytes: string;
  response_signable_hash: string;
  message: Record<
    | "session_id"
    | "session_end_height"
    | "supplier_operator_address"
    | "service_id"
    | "application_address"
    | "arrival_block_height"
    | "published_at_unix_nano"
    | "session_start_height",
    string
  >;
  message_bytes: string;
  smst: { key: string; value: string; weight: string };
};

function checkMined(mined: Mined, asked: RelayRequest, rawBody: Uint8Array, key: string): void {
  const answer = response(mined.response_fields);
  const expected = { signable: mined.response_signable_bytes, hash: mined.response_signable_hash };
  checkSigned(answer, expected, key);
  // The reference mines a response over the raw body of the backend (relay-path 2.6).
  const served = buildResponse({ request: asked, payload: rawBody, sign: signer(key) });
  const { relay, relayBytes, relayHash: hash } = mineRelay(asked, served);
  expect(relay).toEqual({ req: asked, res: answer });
  expect(toHex(relayBytes)).toBe(mined.relay_bytes);
  const answered = answerRelay(openRequest(RelayRequest.encode(asked)), rawBody, signer(key));
  expect(toHex(answered.relayBytes)).toBe(mined.relay_bytes);
  expect(toHex(answered.relayHash)).toBe(mined.relay_hash);
  expect(toHex(hash)).toBe(mined.relay_hash);
  expect(toHex(relayHash(relayBytes))).toBe(mined.smst.key);
  expect(mined.smst.value).toBe(mined.relay_bytes);
  expect(Relay.decode(relayBytes)).toEqual(relay);
  const { message } = mined;
  const queued: MinedRelayMessage = {
    relayHash: hash,
    relayBytes,
    computeUnitsPerRelay: BigInt(mined.smst.weight),
    sessionId: message.session_id,
    sessionEndHeight: BigInt(message.session_end_height),
    supplierOperatorAddress: message.supplier_operator_address,
    serviceId: message.service_id,
    applicationAddress: message.application_address,
    arrivalBlockHeight: BigInt(message.arrival_block_height),
    publishedAtUnixNano: BigInt(message.published_at_unix_nano),
    sessionStartHeight: BigInt(message.session_start_height),
  };
  expect(toHex(MinedRelayMessage.encode(queued))).toBe(mined.message_bytes);
  expect(MinedRelayMessage.decode(fromHex(mined.message_bytes))).toEqual(queued);
}

vectors.kind("relay", (vector) => {
  const { request: asked, client_response: client, mined, supplier } = vector;
  const sent = request(asked.fields);
  expect(toHex(RelayRequest.encode(sent))).toBe(asked.bytes);
  expect(RelayRequest.decode(fromHex(asked.bytes))).toEqual(sent);
  expect(toHex(signableRequest(sent))).toBe(asked.signable_bytes);
  expect(toHex(requestDigest(sent))).toBe(asked.signable_hash);
  expect(requestProblem(sent)).toBeUndefined();
  expect(ringVerifies(asked.ring, sent)).toBe(asked.ring_signature_valid);
  const resigned = signRing({
    publicKeys: asked.ring.map((key: string) => fromHex(key)),
    signerIndex: asked.signer_index,
    privateKey: fromHex(asked.signer_private_key),
    digest: requestDigest(sent),
  });
  expect(ringVerifies(asked.ring, { ...sent, meta: { ...sent.meta, signature: resigned } })).toBe(true);

  expect(addressOf(publicKeyOf(fromHex(supplier.private_key)))).toBe(supplier.address);
  const answer = response(client.fields);
  expect(toHex(RelayResponse.encode(answer))).toBe(client.bytes);
  expect(RelayResponse.decode(fromHex(client.bytes))).toEqual(answer);
  const expected = { signable: client.signable_bytes, hash: client.signable_hash };
  checkSigned(answer, expected, supplier.private_key);
  expect(responseProblem(answer)).toBeUndefined();

  const { body } = client.backend;
  const payload = wrapped(client.backend);
  const built = buildResponse({ request: sent, payload, sign: signer(supplier.private_key) });
  expect(toHex(RelayResponse.encode(built))).toBe(client.bytes);
  if (payload.length > 0) {
    const answered = answerRelay(openRequest(fromHex(asked.bytes)), payload, signer(supplier.private_key));
    expect(toHex(answered.responseBytes)).toBe(client.bytes);
  }

  if (mined.error !== undefined) {
    expect(body).toBe("");
    const empty = { request: sent, payload: EMPTY, sign: signer(supplier.private_key) };
    expect(() => buildResponse(empty)).toThrow(expect.objectContaining({ code: "EMPTY_PAYLOAD" }));
  } else checkMined(mined, sent, fromHex(body), supplier.private_key);
});

vectors.kind("request_encoding", (vector) => {
  const raw = fromHex(vector["raw"]);
  if (vector["unmarshal"] === "error") {
    expect(() => RelayRequest.decode(raw)).toThrow(expect.objectContaining({ code: "BAD_PROTO" }));
    expect(() => openRequest(raw)).toThrow(expect.objectContaining({ code: "BAD_PROTO" }));
    return;
  }
  expect(vector["unmarshal"]).toBe("ok");
  const decoded = RelayRequest.decode(raw);
  expect(toHex(RelayRequest.encode(decoded))).toBe(vector["remarshaled"]);
  expect(toHex(requestDigest(decoded))).toBe(vector["signable_hash"]);
  const opened = openRequest(raw);
  expect(toHex(opened.bytes)).toBe(vector["remarshaled"]);
  expect(toHex(digestOfRequest(opened))).toBe(vector["signable_hash"]);
  expect(requestProblem(decoded) === undefined).toBe(vector["validate_basic"] === null);
  expect(ringVerifies(vector["ring"], decoded)).toBe(vector["ring_signature_valid"]);
  if (vector["fields"] !== undefined) expect(decoded).toEqual(request(vector["fields"]));
});

vectors.kind("response", (vector) => {
  const answer = response(vector["fields"]);
  expect(toHex(RelayResponse.encode(answer))).toBe(vector["bytes"]);
  expect(RelayResponse.decode(fromHex(vector["bytes"]))).toEqual(answer);
  expect(vector["signature_valid"]).toBe(true);
  const expected = { signable: vector["signable_bytes"], hash: vector["signable_hash"] };
  checkSigned(answer, expected, vector["supplier_private_key"]);
  if (vector["error_code"] === undefined) return;
  const asked = RelayRequest.create({
    meta: {
      sessionHeader: answer.meta.sessionHeader,
      signature: EMPTY,
      supplierOperatorAddress: "",
    },
  });
  const made = errorResponse({
    request: asked,
    code: vector["error_code"],
    text: vector["error_message"],
    sign: signer(vector["supplier_private_key"]),
  });
  expect(toHex(RelayResponse.encode(made))).toBe(vector["bytes"]);
});

vectors.kind("response_decode", (vector) => {
  const decoded = RelayResponse.decode(fromHex(vector["raw"]));
  expect(decoded.payloadHash !== undefined).toBe(vector["payload_hash_counts_as_set"]);
  expect(toHex(RelayResponse.encode(decoded))).toBe(vector["remarshaled"]);
  expect(sha256(signableResponse(decoded))).toBe(vector["signable_hash"]);
});

vectors.kind("difficulty", (vector) => {
  expect(relayApplicable(fromHex(vector["relay_hash"]), fromHex(vector["target_hash"]))).toBe(
    vector["applicable"],
  );
});

vectors.kind("difficulty_multiplier", (vector) => {
  expect(difficultyMultiplier(fromHex(vector["target_hash"]))).toEqual({
    numerator: BigInt(vector["numerator"]),
    denominator: BigInt(vector["denominator"]),
  });
});

vectors.kind("difficulty_next", (vector) => {
  const next = nextDifficulty(
    fromHex(vector["previous_target_hash"]),
    BigInt(vector["target_num_relays"]),
    BigInt(vector["relays_ema"]),
  );
  expect(toHex(next)).toBe(vector["target_hash"]);
});

test("a changed payload, hash or key is noticed", () => {
  const vector = vectors.file.cases.find(({ kind }) => kind === "relay");
  const answer = response(vector?.["client_response"].fields);
  const key = fromHex(vector?.["supplier"].public_key);
  expect(verifyResponse(answer, key)).toBe(true);
  expect(verifyResponse({ ...answer, payloadHash: EMPTY }, key)).toBe(false);
  expect(verifyResponse({ ...answer, payloadHash: undefined }, key)).toBe(false);
  expect(verifyResponse(answer, fromHex(vector?.["request"].ring[0]))).toBe(false);
});

vectors.done();
