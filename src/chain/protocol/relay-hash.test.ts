import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { EMPTY, fromHex, toHex, utf8 } from "../../base/bytes.ts";
import { PoktHttpRequest, PoktHttpResponse } from "../proto/http-envelope.ts";
import { Relay, type RelayRequest, RelayResponse } from "../proto/service.ts";
import { publicKeyOf, signDigest } from "./ecdsa.ts";
import { errorResponse } from "./error-answer.ts";
import { headerMap } from "./http-headers.ts";
import { mineRelay, requestDigest, responseDigest, signableResponse } from "./relay-hash.ts";
import { buildResponse, verifyResponse } from "./response-signature.ts";

// The complete relay of relay-path A.4.
const SUPPLIER_KEY = fromHex("71294ce4beaa04b5d4ce2c07932f84041c821a955c83197ed4f38466112e4231");
const sign = (digest: Uint8Array): Uint8Array => signDigest(SUPPLIER_KEY, digest);
const header = headerMap([["content-type", "application/json"]]);
const REQUEST: RelayRequest = {
  meta: {
    sessionHeader: {
      applicationAddress: "pokt1v549fccp7yss32scn3vrdrkvjgkvvee2g622ap",
      serviceId: "vector-svc",
      sessionId: "f246373c5bff687eb30ec7809471107a4639a86b5533cb65dad9ed8fedb711b4",
      sessionStartBlockHeight: 61n,
      sessionEndBlockHeight: 120n,
    },
    signature: fromHex("01"),
    supplierOperatorAddress: "pokt1scs53elzht7mm765aupa5627sajdax2ppca3ha",
  },
  payload: PoktHttpRequest.encode({
    method: "POST",
    header,
    url: "http://supplier.example/",
    bodyBz: utf8('{"jsonrpc":"2.0","method":"eth_blockNumber","params":[],"id":1}'),
  }),
};
const payload = PoktHttpResponse.encode({
  statusCode: 200,
  header,
  bodyBz: utf8('{"jsonrpc":"2.0","id":1,"result":"0x1"}'),
});

test("a request's digest does not cover its signature", () => {
  const digest = "5a83da7ff66df1a74d9cb7ab3742e870b1735cdfdc46fedbbebd12a400e5b713";
  expect(toHex(requestDigest(REQUEST))).toBe(digest);
  const other = { ...REQUEST, meta: { ...REQUEST.meta, signature: EMPTY } };
  expect(toHex(requestDigest(other))).toBe(digest);
});

test("a response is signed over the hash of its payload", () => {
  const response = buildResponse({ request: REQUEST, payload, sign });
  expect(toHex(response.payloadHash ?? EMPTY)).toBe(
    "eafd999eb8a376f2016c776b09711e04a8cae9c8ddba921d7966197e8184d275",
  );
  expect(toHex(createHash("sha256").update(signableResponse(response)).digest())).toBe(
    "9ae2b10afa323cd1c35e85d27efbbfd0acced643aa951c1877f1b7ada5bfabe1",
  );
  expect(toHex(responseDigest(response))).toBe(
    "0f8e94a27d0719ad85b53624ef36160e126537c41a3e64b6bdbe808ce1dbb56f",
  );
  expect(toHex(response.meta.supplierOperatorSignature)).toMatch(/^7e914ee65203725a7049e024669a0bae/);
  expect(verifyResponse(response, publicKeyOf(SUPPLIER_KEY))).toBe(true);
});

test("the mined relay lacks the payload and keeps signature and hash valid", () => {
  const response = buildResponse({ request: REQUEST, payload, sign });
  const { relay, relayBytes, relayHash } = mineRelay(REQUEST, response);
  const mined = Relay.decode(relayBytes);
  expect(mined).toEqual(relay);
  expect(mined.req).toEqual(REQUEST);
  expect(mined.res).toEqual({ ...response, payload: EMPTY });
  expect(verifyResponse(mined.res ?? RelayResponse.create(), publicKeyOf(SUPPLIER_KEY))).toBe(true);
  expect(toHex(relayHash)).toBe(createHash("sha256").update(relayBytes).digest("hex"));
  expect(response.payload).toBe(payload);
});

test("an empty payload is not signed", () => {
  expect(() => buildResponse({ request: REQUEST, payload: EMPTY, sign })).toThrow(
    expect.objectContaining({ code: "EMPTY_PAYLOAD" }),
  );
});

test("an error answer is a signed envelope whose text is not escaped", () => {
  const answer = errorResponse({ request: REQUEST, code: 410, text: 'session "over"', sign });
  expect(verifyResponse(answer, publicKeyOf(SUPPLIER_KEY))).toBe(true);
  const expected = { codespace: "", code: 410, description: 'session "over"', message: "" };
  expect(answer.relayMinerError).toEqual(expected);
  expect(PoktHttpResponse.decode(answer.payload)).toEqual({
    statusCode: 410,
    header,
    bodyBz: utf8('{"error":"session "over""}'),
  });
  const changed = { ...answer, relayMinerError: { ...expected, code: 411 } };
  expect(verifyResponse(changed, publicKeyOf(SUPPLIER_KEY))).toBe(false);
});
