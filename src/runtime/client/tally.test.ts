import { expect, test } from "vitest";
import { utf8 } from "../../base/bytes.ts";
import { PoktHttpResponse } from "../../chain/proto/http-envelope.ts";
import { BASE_TARGET, relayApplicable } from "../../chain/protocol/difficulty.ts";
import { publicKeyOf, signDigest } from "../../chain/protocol/ecdsa.ts";
import { mineRelay } from "../../chain/protocol/relay-hash.ts";
import { buildResponse } from "../../chain/protocol/response-signature.ts";
import { prepareRing } from "../../chain/protocol/ring/prepare.ts";
import { Latencies } from "./latencies.ts";
import { badAnswer, failed, type Outcome, refusedByStatus } from "./outcome.ts";
import { relaysPerLeaf, type SessionPrice } from "./price.ts";
import { type Signers, signRelay } from "./sign.ts";
import type { SourcedRelay } from "./source.ts";
import { LoadTally } from "./tally.ts";

const [application, gateway, supplierKey] = [3, 4, 5].map((byte) => new Uint8Array(32).fill(byte)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];
const publicKeys = [publicKeyOf(application), publicKeyOf(gateway)];
const signers: Signers = {
  header: {
    applicationAddress: "pokt1app",
    serviceId: "eth",
    sessionId: "ab".repeat(32),
    sessionStartBlockHeight: 1n,
    sessionEndBlockHeight: 10n,
  },
  ring: prepareRing(publicKeys),
  publicKeys,
  members: [{ index: 1, privateKey: gateway }],
};
const priceAt = (target: Uint8Array): SessionPrice => ({
  computeUnitsPerRelay: 100n,
  params: { computeUnitsToTokensMultiplier: 21n, computeUnitCostGranularity: 2n },
  target,
});
const HALF = new Uint8Array(BASE_TARGET);
HALF[0] = 0x7f;

const relayOf = (price: SessionPrice, address = "pokt1a"): SourcedRelay => {
  const supplier = { address, publicKey: publicKeyOf(supplierKey) };
  return { ...signRelay(signers, supplier, { payload: utf8("ask") }), url: "http://x", signers, price };
};
const answerTo = ({ request }: SourcedRelay, body = "{}", statusCode = 200): Outcome => {
  const http = { statusCode, header: new Map(), bodyBz: utf8(body) };
  const response = buildResponse({
    request,
    payload: PoktHttpResponse.encode(http),
    sign: (digest) => signDigest(supplierKey, digest),
  });
  return { kind: "answered", latencyMs: 1, answers: [{ response, http }] };
};

test("expected pay is the compute units of the service times the chain's price, rounded down for each claim", () => {
  const tally = new LoadTally("http");
  const price = priceAt(BASE_TARGET);
  for (const address of ["pokt1a", "pokt1a", "pokt1b"]) {
    const relay = relayOf(price, address);
    tally.count(relay, answerTo(relay));
  }
  // 100 compute units at 21/2 upokt are 1 050 upokt.
  expect(tally.pay()).toMatchObject([
    {
      relays: 3,
      leaves: 3,
      served: [{ supplier: "pokt1a" }, { supplier: "pokt1b" }],
      upokt: 3_150n,
      claimUpokt: 3_150n,
    },
  ]);
  const odd = { ...price, computeUnitsPerRelay: 1n };
  const pair = new LoadTally("http");
  for (const address of ["pokt1a", "pokt1b"]) {
    const relay = relayOf(odd, address);
    pair.count(relay, answerTo(relay));
  }
  expect(pair.pay()).toMatchObject([{ upokt: 20n }]);
});

test("with a difficulty, those below the target are leaves, each worth as many relays as it stands for", () => {
  const tally = new LoadTally("http");
  const price = priceAt(HALF);
  let leaves = 0;
  for (let number = 0; number < 40; number++) {
    const relay = relayOf(price);
    const outcome = answerTo(relay);
    tally.count(relay, outcome);
    if (outcome.kind !== "answered" || outcome.answers[0] === undefined) throw new Error("no answer");
    const { relayHash } = mineRelay(relay.request, outcome.answers[0].response);
    if (relayApplicable(relayHash, HALF)) leaves += 1;
  }
  expect(leaves).toBeGreaterThan(0);
  expect(leaves).toBeLessThan(40);
  expect(relaysPerLeaf(price)).toBe(2);
  expect(tally.pay()).toMatchObject([
    { relays: 40, leaves, upokt: 42_000n, claimUpokt: BigInt(leaves) * 2_100n },
  ]);
});

test("failures are grouped by kind and reason; an error inside an answer is both answered and a failure", () => {
  const tally = new LoadTally("http");
  const relay = relayOf(priceAt(BASE_TARGET));
  const refused = failed(refusedByStatus(403, utf8('{"error":"the session is over"}')));
  tally.count(relay, refused);
  tally.count(relay, refused);
  tally.count(relay, failed(badAnswer("the supplier's signature is not valid")));
  tally.count(relay, answerTo(relay, "gone", 404));
  tally.count(
    relay,
    answerTo(relay, '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no method"}}'),
  );
  tally.count(relay, answerTo(relay, '{"jsonrpc":"2.0","id":1,"error":null,"result":1}'));
  expect([tally.answered, tally.inside, tally.failed]).toEqual([3, 2, 3]);
  expect(tally.groups()).toEqual([
    { kind: "refused", reason: "403 the session is over", times: 2 },
    { kind: "bad_answer", reason: "the supplier's signature is not valid", times: 1 },
    { kind: "inside", reason: "the backend answered 404", times: 1 },
    { kind: "inside", reason: "JSON-RPC error -32601: no method", times: 1 },
  ]);
});

test("a refusal's words are those under error, also where the body is no JSON, and never reach the terminal as codes", () => {
  const words = (body: string) => refusedByStatus(429, utf8(body)).reason;
  expect(words('{"error":"limit "quoted" here"}')).toBe('429 {"error":"limit "quoted" here"}');
  expect(words("\u001b[2Jbad\ngateway")).toBe("429 [2Jbad gateway");
  expect(words("")).toBe("429 (no reason given)");
});

test("percentiles stay right when more latencies come than are kept", () => {
  const latencies = new Latencies();
  for (let number = 0; number < 300_000; number++) latencies.add(number % 1_000);
  const summary = latencies.summary();
  expect(summary?.max).toBe(999);
  expect(Math.abs((summary?.p50 ?? 0) - 500)).toBeLessThan(15);
  expect(Math.abs((summary?.p99 ?? 0) - 990)).toBeLessThan(15);
});
