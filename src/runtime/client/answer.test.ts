import { expect, test } from "vitest";
import { EMPTY, utf8 } from "../../base/bytes.ts";
import { RelayResponse } from "../../chain/proto/service.ts";
import { publicKeyOf, signDigest } from "../../chain/protocol/ecdsa.ts";
import { buildResponse } from "../../chain/protocol/response-signature.ts";
import { readAnswer } from "./answer.ts";
import type { SignedRelay } from "./sign.ts";

const [supplierKey, other] = [5, 6].map((byte) => new Uint8Array(32).fill(byte)) as [Uint8Array, Uint8Array];
const header = (sessionId: string) => ({
  applicationAddress: "pokt1app",
  serviceId: "eth",
  sessionId,
  sessionStartBlockHeight: 1n,
  sessionEndBlockHeight: 10n,
});
const request = {
  meta: {
    sessionHeader: header("ab".repeat(32)),
    signature: EMPTY,
    supplierOperatorAddress: "pokt1supplier",
  },
  payload: utf8("ask"),
};
const relay: SignedRelay = {
  request,
  bytes: EMPTY,
  supplier: { address: "pokt1supplier", publicKey: publicKeyOf(supplierKey) },
};
const GONE = { codespace: "relayer_proxy", code: 410, description: "", message: "session expired" };

const answer = (how: { error?: boolean; key?: Uint8Array; session?: string } = {}) =>
  buildResponse({
    request: {
      ...request,
      meta: { ...request.meta, sessionHeader: header(how.session ?? "ab".repeat(32)) },
    },
    payload: utf8("told"),
    ...(how.error === true ? { relayMinerError: GONE } : {}),
    sign: (digest) => signDigest(how.key ?? supplierKey, digest),
  });
const read = (response: RelayResponse) => readAnswer(relay, RelayResponse.encode(response), "raw");

test("an answer is good only when the supplier signed it, in this session and without an error", () => {
  expect(read(answer())).toHaveProperty("answer");
  expect(read(answer({ key: other }))).toEqual({ problem: "the supplier's signature is not valid" });
  expect(read(answer({ session: "cd".repeat(32) }))).toEqual({ problem: "it is of another session" });
  expect(read({ ...answer(), payload: utf8("other") })).toEqual({
    problem: "the signed hash is not the payload's",
  });
});

test("an error's code counts only under the supplier's signature", () => {
  const problem = "the supplier signed an error: relayer_proxy 410: session expired";
  expect(read(answer({ error: true }))).toEqual({ problem, code: 410 });
  expect(read(answer({ error: true, key: other }))).not.toHaveProperty("code");
  const unsigned = { ...answer({ error: true }) };
  const stripped = { ...unsigned, meta: { ...unsigned.meta, supplierOperatorSignature: EMPTY } };
  expect(read(stripped)).toEqual({
    problem: "it is an unsigned error: relayer_proxy 410: session expired",
  });
});
