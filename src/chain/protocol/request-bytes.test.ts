import fc from "fast-check";
import { expect, test } from "vitest";
import { EMPTY, toHex } from "../../base/bytes.ts";
import { RelayRequest, RelayResponse } from "../proto/service.ts";
import { answerRelay } from "./relay-answer.ts";
import { mineRelay, requestDigest } from "./relay-hash.ts";
import { digestOfRequest, openRequest } from "./request-bytes.ts";
import { buildResponse } from "./response-signature.ts";

const text = fc.string({ maxLength: 80, unit: "binary" });
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const height = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const header = fc.record({
  applicationAddress: text,
  serviceId: text,
  sessionId: text,
  sessionStartBlockHeight: fc.oneof(height, fc.bigInt({ min: 0n, max: 300n })),
  sessionEndBlockHeight: fc.oneof(height, fc.bigInt({ min: 0n, max: 300n })),
});
const request: fc.Arbitrary<RelayRequest> = fc.record({
  meta: fc.record({
    sessionHeader: fc.option(header, { nil: undefined }),
    signature: bytes(300),
    supplierOperatorAddress: text,
  }),
  payload: bytes(20_000),
});

/** What the general codec makes of bytes: the canonical ones, or undefined when it refuses them. */
function canonical(raw: Uint8Array): Uint8Array | undefined {
  try {
    return RelayRequest.encode(RelayRequest.decode(raw));
  } catch {
    return undefined;
  }
}

function expectAsCodec(raw: Uint8Array): void {
  const expected = canonical(raw);
  if (expected === undefined) {
    expect(() => openRequest(raw)).toThrow(expect.objectContaining({ code: "BAD_PROTO" }));
    return;
  }
  const opened = openRequest(raw);
  const decoded = RelayRequest.decode(expected);
  expect(toHex(opened.bytes)).toBe(toHex(expected));
  expect(toHex(digestOfRequest(opened))).toBe(toHex(requestDigest(decoded)));
  expect(toHex(opened.signature)).toBe(toHex(decoded.meta.signature));
  expect(toHex(opened.payload)).toBe(toHex(decoded.payload));
  expect(opened.header === undefined).toBe(decoded.meta.sessionHeader === undefined);
}

test("a canonical request is taken as it is", () => {
  fc.assert(
    fc.property(request, (asked) => {
      const raw = RelayRequest.encode(asked);
      expect(openRequest(raw).bytes).toBe(raw);
      expectAsCodec(raw);
    }),
  );
});

test("whatever the bytes, they are read as the general codec reads them", () => {
  const change = fc.record({
    at: fc.nat(),
    cut: fc.nat({ max: 3 }),
    put: fc.array(fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(0, 1, 0x0a, 0x12, 0x1a, 0x20, 0x28, 0x80)), {
      maxLength: 4,
    }),
  });
  fc.assert(
    fc.property(request, fc.array(change, { minLength: 1, maxLength: 3 }), (asked, changes) => {
      const raw = [...RelayRequest.encode({ ...asked, payload: asked.payload.subarray(0, 40) })];
      // Most places that matter are at the front.
      for (const { at, cut, put } of changes) raw.splice(at % Math.min(raw.length + 1, 120), cut, ...put);
      expectAsCodec(Uint8Array.from(raw));
    }),
    { numRuns: 3_000 },
  );
});

test("an answer is what the general codec makes of it", () => {
  const signature = Uint8Array.from({ length: 64 }, (_, index) => index + 1);
  const signed: string[] = [];
  const sign = (digest: Uint8Array) => {
    signed.push(toHex(digest));
    return signature;
  };
  const payload = fc.uint8Array({ minLength: 1, maxLength: 40_000 });
  fc.assert(
    fc.property(request, payload, (asked, answer) => {
      signed.length = 0;
      const response = buildResponse({ request: asked, payload: answer, sign });
      const { relayBytes, relayHash } = mineRelay(asked, response);
      const answered = answerRelay(openRequest(RelayRequest.encode(asked)), answer, sign);
      expect(toHex(answered.responseBytes)).toBe(toHex(RelayResponse.encode(response)));
      expect(toHex(answered.relayBytes)).toBe(toHex(relayBytes));
      expect(toHex(answered.relayHash)).toBe(toHex(relayHash));
      expect(signed[1]).toBe(signed[0]);
    }),
  );
  expect(() => answerRelay(openRequest(RelayRequest.encode(RelayRequest.create())), EMPTY, sign)).toThrow(
    expect.objectContaining({ code: "EMPTY_PAYLOAD" }),
  );
});
