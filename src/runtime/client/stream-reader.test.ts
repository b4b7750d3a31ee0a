import fc from "fast-check";
import { expect, test } from "vitest";
import { concatBytes, fromUtf8, utf8 } from "../../base/bytes.ts";
import { PoktHttpResponse } from "../../chain/proto/http-envelope.ts";
import { RelayResponse } from "../../chain/proto/service.ts";
import { publicKeyOf, signDigest } from "../../chain/protocol/ecdsa.ts";
import { buildResponse } from "../../chain/protocol/response-signature.ts";
import type { SignedRelay } from "./sign.ts";
import { StreamReader } from "./stream-reader.ts";

const key = new Uint8Array(32).fill(7);
const request = {
  meta: {
    sessionHeader: {
      applicationAddress: "pokt1app",
      serviceId: "sse",
      sessionId: "ab".repeat(32),
      sessionStartBlockHeight: 1n,
      sessionEndBlockHeight: 10n,
    },
    signature: new Uint8Array(),
    supplierOperatorAddress: "pokt1supplier",
  },
  payload: utf8("request"),
};
const relay: SignedRelay = {
  request,
  bytes: new Uint8Array(),
  supplier: { address: "pokt1supplier", publicKey: publicKeyOf(key) },
};
const DELIMITER = "||POKT_STREAM||";

const batch = (text: string, signer = key): Uint8Array =>
  RelayResponse.encode(
    buildResponse({
      request,
      payload: PoktHttpResponse.encode({ statusCode: 200, header: new Map(), bodyBz: utf8(text) }),
      sign: (digest) => signDigest(signer, digest),
    }),
  );

const streamOf = (...batches: Uint8Array[]): Uint8Array =>
  concatBytes(...batches.flatMap((bytes) => [bytes, utf8(DELIMITER)]));

function read(bytes: Uint8Array, chunk: number): { texts: string[]; problem: string | undefined } {
  const reader = new StreamReader(relay);
  for (let at = 0; at < bytes.length; at += chunk) reader.push(bytes.subarray(at, at + chunk));
  const problem = reader.end();
  return { texts: reader.answers.map(({ http }) => fromUtf8(http?.bodyBz ?? new Uint8Array())), problem };
}

test("a stream cut anywhere gives its batches, also those that hold the delimiter", () => {
  const piece = fc.array(fc.constantFrom("data: 1\n", DELIMITER, "||POKT_STREAM", "||", "é"), {
    maxLength: 6,
  });
  fc.assert(
    fc.property(
      fc.array(piece, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 400 }),
      (texts, chunk) => {
        const bodies = texts.map((parts) => parts.join(""));
        const found = read(streamOf(...bodies.map((text) => batch(text))), chunk);
        expect(found).toEqual({ texts: bodies, problem: undefined });
      },
    ),
    { numRuns: 60 },
  );
});

test("what breaks off, is signed by another, or is no stream at all is told with the batch's number", () => {
  const good = batch("data: 1\n");
  expect(read(streamOf(good, batch("data: 2\n", new Uint8Array(32).fill(8))), 64)).toEqual({
    texts: ["data: 1\n"],
    problem: "batch 2: the supplier's signature is not valid",
  });
  const cut = streamOf(good, good).subarray(0, streamOf(good).length + 20);
  expect(read(cut, 64).problem).toBe("the stream broke off in batch 2, 20 bytes into it");
  expect(read(utf8("data: 1\n"), 64).problem).toContain("broke off in batch 1");
  expect(read(new Uint8Array(), 64).problem).toBe("the stream has no batch");
});

test("a relayer that sends nothing but delimiters costs a bounded time", () => {
  const start = performance.now();
  const flood = Buffer.from(DELIMITER.repeat(200_000));
  expect(read(flood, 65_536)).toEqual({ texts: [], problem: "batch 1: too many delimiters in it" });
  expect(performance.now() - start).toBeLessThan(5_000);
});
