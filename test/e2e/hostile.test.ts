import fc from "fast-check";
import { Pool } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { concatBytes, toHex } from "../../src/base/bytes.ts";
import { MinedRelayMessage } from "../../src/chain/proto/mined-relay.ts";
import { Relay, RelayRequest, RelayResponse } from "../../src/chain/proto/service.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { verifyResponse } from "../../src/chain/protocol/response-signature.ts";
import { type Network, startNetwork } from "../kit/network.ts";
import { streamEntries } from "../kit/stream.ts";

/** Mutated relays in all, over both modes. */
const CASES = Number(process.env["HOSTILE_CASES"] ?? 100_000);
const SEED = Number(process.env["HOSTILE_SEED"] ?? 20_261_125);
const AT_ONCE = 48;

type Mutation = (bytes: Uint8Array, request: RelayRequest) => Uint8Array;

const at = (part: number, length: number): number => Math.min(length - 1, Math.floor(part * length));

/** Changes of the bytes, whatever they mean. */
const bytesMutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ part: fc.double({ min: 0, max: 1, noNaN: true }), xor: fc.integer({ min: 1, max: 255 }) }).map(
    ({ part, xor }): Mutation =>
      (bytes) => {
        const copy = bytes.slice();
        const index = at(part, copy.length);
        copy[index] = (copy[index] ?? 0) ^ xor;
        return copy;
      },
  ),
  fc.double({ min: 0, max: 1, noNaN: true }).map(
    (part): Mutation =>
      (bytes) =>
        bytes.slice(0, at(part, bytes.length)),
  ),
  fc
    .record({
      part: fc.double({ min: 0, max: 1, noNaN: true }),
      more: fc.uint8Array({ minLength: 1, maxLength: 40 }),
    })
    .map(
      ({ part, more }): Mutation =>
        (bytes) =>
          concatBytes(
            bytes.subarray(0, at(part, bytes.length)),
            more,
            bytes.subarray(at(part, bytes.length)),
          ),
    ),
  fc.uint8Array({ maxLength: 300 }).map(
    (noise): Mutation =>
      () =>
        noise,
  ),
);

const height = fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.bigInt(0n, 100n));
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.constantFrom("", "kit-svc", "../..", "pokt1", "*"),
);

/** Changes of what they mean: one field of a valid relay. */
const fieldMutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc
    .record({
      field: fc.constantFrom("applicationAddress", "serviceId", "sessionId"),
      value: text,
    })
    .map(
      ({ field, value }): Mutation =>
        (_, request) =>
          RelayRequest.encode(withHeader(request, { [field]: value })),
    ),
  fc
    .record({ field: fc.constantFrom("sessionStartBlockHeight", "sessionEndBlockHeight"), value: height })
    .map(
      ({ field, value }): Mutation =>
        (_, request) =>
          RelayRequest.encode(withHeader(request, { [field]: value })),
    ),
  fc.uint8Array({ maxLength: 400 }).map(
    (signature): Mutation =>
      (_, request) =>
        RelayRequest.encode(withMeta(request, { signature })),
  ),
  fc.record({ index: fc.nat(198), xor: fc.integer({ min: 1, max: 255 }) }).map(
    ({ index, xor }): Mutation =>
      (_, request) => {
        const signature = request.meta.signature.slice();
        signature[index] = (signature[index] ?? 0) ^ xor;
        return RelayRequest.encode(withMeta(request, { signature }));
      },
  ),
  text.map(
    (supplierOperatorAddress): Mutation =>
      (_, request) =>
        RelayRequest.encode(withMeta(request, { supplierOperatorAddress })),
  ),
  fc.uint8Array({ maxLength: 200 }).map(
    (payload): Mutation =>
      (_, request) =>
        RelayRequest.encode({ ...request, payload }),
  ),
  fc.constant<Mutation>((_, request) => RelayRequest.encode(withMeta(request, { sessionHeader: undefined }))),
);

const mutation = fc.oneof(bytesMutation, fieldMutation);

const withMeta = (request: RelayRequest, meta: Partial<RelayRequest["meta"]>): RelayRequest => ({
  ...request,
  meta: { ...request.meta, ...meta },
});

const withHeader = (request: RelayRequest, header: Partial<SessionHeader>): RelayRequest => {
  const { sessionHeader } = request.meta;
  return sessionHeader ? withMeta(request, { sessionHeader: { ...sessionHeader, ...header } }) : request;
};

describe.each(["eager", "optimistic"] as const)("hostile relays in %s mode", (mode) => {
  let network: Network;
  beforeAll(async () => {
    network = await startNetwork(mode);
  });
  afterAll(() => network.close());

  test(`${CASES / 2} mutated relays: no crash, no failure of ours, no unsigned 200, nothing stored`, async () => {
    const pool = new Pool(network.url, { connections: AT_ONCE, pipelining: 1 });
    const valid = new Set<string>();
    const statuses = new Map<number, number>();
    const problems: string[] = [];
    let base = network.sign(await network.header(), "{}");
    const send = async (bytes: Uint8Array, index: number) => {
      const { statusCode, body } = await pool.request({ method: "POST", path: "/", body: bytes });
      const answer = new Uint8Array(await body.arrayBuffer());
      statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1);
      if (statusCode >= 500) problems.push(`#${index}: ${statusCode} ${new TextDecoder().decode(answer)}`);
      if (statusCode === 200 && !verifyResponse(RelayResponse.decode(answer), network.supplier.publicKey))
        problems.push(`#${index}: an unsigned 200`);
    };
    const mutations = fc.sample(mutation, { seed: SEED, numRuns: CASES / 2 });
    for (let from = 0; from < mutations.length; from += AT_ONCE) {
      if (from % (AT_ONCE * 10) === 0) {
        base = network.sign(await network.header(), JSON.stringify({ id: from }));
        valid.add(toHex(RelayRequest.encode(base)));
      }
      const bytes = RelayRequest.encode(base);
      const some = mutations.slice(from, from + AT_ONCE);
      await Promise.all(some.map((mutate, index) => send(mutate(bytes, base), from + index)));
    }
    await pool.close();
    expect(problems.slice(0, 5)).toEqual([]);
    // It still serves: a good relay gets through, and only good ones were stored.
    const good = network.sign(await network.header(), '{"id":"good"}');
    valid.add(toHex(RelayRequest.encode(good)));
    const response = await fetch(network.url, {
      method: "POST",
      body: Buffer.from(RelayRequest.encode(good)),
    });
    expect(response.status).toBe(200);
    const stored = await streamEntries(network, 1);
    // A mutation may leave the relay what it was (an unknown field, say): then it is the same request, validly signed.
    for (const entry of stored) {
      const { req } = Relay.decode(MinedRelayMessage.decode(entry).relayBytes);
      expect(valid.has(toHex(RelayRequest.encode(req ?? RelayRequest.create())))).toBe(true);
    }
    console.log(
      `hostile ${mode}: ${mutations.length} sent, answers`,
      Object.fromEntries(statuses),
      `stored ${stored.length}`,
    );
  }, 900_000);
});
