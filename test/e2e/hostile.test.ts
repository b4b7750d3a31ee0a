import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { concatBytes, toHex } from "../../src/base/bytes.ts";
import { MinedRelayMessage } from "../../src/chain/proto/mined-relay.ts";
import { Relay, RelayRequest } from "../../src/chain/proto/service.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { requestDigest } from "../../src/chain/protocol/relay-hash.ts";
import { REJECTS, type RejectReason } from "../../src/runtime/relayer/rejects.ts";
import { type Network, startNetwork } from "../kit/network.ts";
import { rotated } from "../kit/rotated.ts";
import { streamEntries } from "../kit/stream.ts";
import { type Outcome, TRANSPORTS } from "../kit/transports.ts";

/** Mutated relays in all, over both modes and all transports. */
const CASES = Number(process.env["HOSTILE_CASES"] ?? 10_000);
const SEED = Number(process.env["HOSTILE_SEED"] ?? 20_261_125);
const AT_ONCE = 48;
const EACH = Math.ceil(CASES / 2 / TRANSPORTS.length);

/** What a client can be at fault for. Anything else would be a failure of ours. */
const CLIENTS_FAULT: readonly RejectReason[] = [
  "bad_request",
  "missing_supplier",
  "implausible_heights",
  "unknown_service",
  "unknown_supplier",
  "session_expired",
  "session_not_begun",
  "session_invalid",
  "supplier_not_in_session",
  "signature_invalid",
  "signature_unchecked",
  "replayed",
];

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
    network = await startNetwork(mode, { webSocket: true });
    // No session ends meanwhile, so what is served can be counted.
    await network.devnet.control("halt", {});
  });
  afterAll(() => network.close());

  test.each(TRANSPORTS)(
    `${EACH} mutated relays over $name, and copies of good ones: each good one is served once, nothing else is stored, no failure is ours`,
    async ({ name, send, told, checksFirst }) => {
      const isChecked = mode === "eager" || checksFirst === true;
      const expected = new Set<Outcome>(["served", ...CLIENTS_FAULT.map((reason) => told(REJECTS[reason]))]);
      const outcomes = new Map<Outcome, number>();
      const problems: string[] = [];
      const good: Uint8Array[] = [];
      const [callsBefore, storedBefore] = [network.backendCalls(), (await streamEntries(network, 0)).length];
      const sendOne = async (bytes: Uint8Array, what: string): Promise<Outcome> => {
        const outcome = await send(network, bytes);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        if (!expected.has(outcome)) problems.push(`${what}: ${outcome}`);
        return outcome;
      };
      /** A relay that was served. Its session may end before it arrives: then the next one. */
      const serveOne = async (id: number): Promise<RelayRequest> => {
        for (let attempt = 0; ; attempt++) {
          const request = network.sign(await network.header(), JSON.stringify({ id, attempt, name }));
          const outcome = await sendOne(RelayRequest.encode(request), `good ${id}`);
          if (outcome === "served") {
            good.push(RelayRequest.encode(request));
            return request;
          }
          if (attempt === 5) throw new Error(`a good relay is refused: ${outcome}`);
        }
      };
      const mutations = fc.sample(mutation, { seed: SEED, numRuns: EACH });
      let base = await serveOne(-1);
      for (let from = 0; from < mutations.length; from += AT_ONCE) {
        if (from % (AT_ONCE * 10) === 0) base = await serveOne(from);
        const bytes = RelayRequest.encode(base);
        const sent = mutations
          .slice(from, from + AT_ONCE)
          .map((mutate, index) => sendOne(mutate(bytes, base), `#${from + index}`));
        await Promise.all([
          ...sent,
          sendOne(bytes, "a copy"),
          sendOne(RelayRequest.encode(rotated(base)), "a rotated copy"),
        ]);
      }
      await serveOne(-2);
      expect(problems.slice(0, 5)).toEqual([]);
      // In optimistic mode whoever asks is served once before the check; what is stored is the same.
      if (isChecked) {
        expect(outcomes.get("served")).toBe(good.length);
        expect(network.backendCalls() - callsBefore).toBe(good.length);
      }
      const entries = await streamEntries(network, storedBefore + good.length);
      const stored = entries.slice(storedBefore).map((entry) => {
        const { req } = Relay.decode(MinedRelayMessage.decode(entry).relayBytes);
        return toHex(requestDigest(req ?? RelayRequest.create()));
      });
      const valid = new Set(good.map((bytes) => toHex(requestDigest(RelayRequest.decode(bytes)))));
      expect(stored.filter((digest) => !valid.has(digest))).toEqual([]);
      expect(new Set(stored).size).toBe(stored.length);
      if (isChecked) expect(stored).toHaveLength(good.length);
      console.log(
        `hostile ${mode} ${name}: ${mutations.length} mutated, ${good.length} good; answers`,
        Object.fromEntries(outcomes),
        `stored ${stored.length}`,
      );
    },
    900_000,
  );
});
