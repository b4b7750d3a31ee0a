import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import type { RelayRequest } from "../../src/chain/proto/service.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { PLACEHOLDER_PUBLIC_KEY } from "../../src/chain/protocol/ring/members.ts";
import { identityOf } from "../../src/devnet/genesis/identities.ts";
import { loadRelayerConfig } from "../../src/runtime/config/relayer.ts";
import { openRedis } from "../../src/runtime/redis/connect.ts";
import { listOf, textsOf } from "../../src/runtime/redis/reply.ts";
import { freePort } from "../kit/free-port.ts";
import { type Network, quiet, startNetwork } from "../kit/network.ts";
import { post } from "../kit/post.ts";
import { rotated } from "../kit/rotated.ts";
import { streamEntries } from "../kit/stream.ts";

const keyOf = (name: string): string => toHex(identityOf({ name }, "kit").publicKey ?? new Uint8Array());

const identity = (key_id: string, more: Readonly<Record<string, unknown>> = {}) => ({
  key_id,
  enabled: true,
  max_rps: 1_000,
  app_pubkey_hex: keyOf("application"),
  gateway_pubkeys_hex: [keyOf("gateway")],
  ...more,
});

const SIMULATION = {
  enabled: true,
  max_concurrent: 4,
  freshness_window_seconds: 20,
  identities: [
    identity("probe"),
    identity("off", { enabled: false }),
    identity("old", { not_after: "2020-01-01T00:00:00Z" }),
    identity("elsewhere", { allowed_services: ["other-svc"] }),
    identity("slow", { max_rps: 0.001 }),
    identity("foreign", { app_pubkey_hex: keyOf("newcomer") }),
  ],
};

const now = () => Math.floor(Date.now() / 1000);
const sessionId = (at = now()) => `simv1:${at}:${randomBytes(8).toString("hex")}`;

let network: Network;
let metricsUrl: string;

const headerOf = (changes: Partial<SessionHeader> = {}): SessionHeader => ({
  applicationAddress: network.application.address,
  serviceId: "kit-svc",
  sessionId: sessionId(),
  sessionStartBlockHeight: 1n,
  sessionEndBlockHeight: 2n,
  ...changes,
});

const simulate = (request: RelayRequest, keyId = "probe") =>
  post(network, request, { headers: { "Pocket-Simulation-Key-Id": keyId } });

async function keysInRedis(): Promise<string[]> {
  const redis = await openRedis({ url: network.redis.url, logger: quiet, role: "test" });
  try {
    return textsOf(listOf(await redis.commands.send("KEYS", "*")));
  } finally {
    await redis.close();
  }
}

const scraped = async (): Promise<string[]> => (await (await fetch(metricsUrl)).text()).split("\n");

describe.each(["eager", "optimistic"] as const)("simulated relays of a service in %s mode", (mode) => {
  beforeAll(async () => {
    const port = await freePort();
    metricsUrl = `http://127.0.0.1:${port}/metrics`;
    const metrics = { enabled: true, addr: `127.0.0.1:${port}` };
    network = await startNetwork(mode, { relayer: { simulation: SIMULATION, metrics } });
  });
  afterAll(() => network.close());

  test("one is answered by the backend and signed, without a trace in meter, stream or the other metrics", async () => {
    const before = await keysInRedis();
    expect(await simulate(network.sign(headerOf(), "{}"))).toMatchObject({
      status: 200,
      inner: { statusCode: 200 },
    });
    const made = (await keysInRedis()).filter((key) => !before.includes(key) && !/^ha:(rm|cache):/.test(key));
    expect(made).toEqual([expect.stringMatching(/^ha:sim:replay:[0-9a-f]{64}$/)]);
    expect(await streamEntries(network, 0)).toEqual([]);
    const lines = await scraped();
    const of = (name: string) => lines.filter((line) => line.startsWith(`ha_relayer_${name}{`));
    expect(of("simulated_relays_total").join()).toContain(
      `transport="http",service="kit-svc",supplier="${network.supplier.address}",result="served"} 1`,
    );
    for (const name of ["relays_received_total", "relays_served_total", "backend_requests_total"])
      expect(of(name)).toEqual([]);
  });

  test("a second one is refused, also when its signature is written from another member", async () => {
    const request = network.sign(headerOf(), "{}");
    expect((await simulate(request)).status).toBe(200);
    expect(await simulate(request)).toMatchObject({ status: 409 });
    expect(await simulate(rotated(request))).toMatchObject({ status: 409 });
    // By the same nonce, signed anew.
    const header = headerOf();
    expect((await simulate(network.sign(header, "{}"))).status).toBe(200);
    expect((await simulate(network.sign(header, "{}"))).status).toBe(409);
  });

  type Case = [string, number, () => RelayRequest, string];
  const stranger = () => network.sign(headerOf(), "{}", { signer: network.newcomer });
  const cases: Case[] = [
    ["an unknown key id", 403, () => network.sign(headerOf(), "{}"), "nobody"],
    ["a key id that is not enabled", 403, () => network.sign(headerOf(), "{}"), "off"],
    ["one that has expired", 403, () => network.sign(headerOf(), "{}"), "old"],
    ["a service that the key id may not ask", 403, () => network.sign(headerOf(), "{}"), "elsewhere"],
    ["an application that is not the key id's", 403, () => network.sign(headerOf(), "{}"), "foreign"],
    ["a signer that is not pinned", 403, stranger, "probe"],
    [
      "a time that is long ago",
      403,
      () => network.sign(headerOf({ sessionId: sessionId(now() - 60) }), "{}"),
      "probe",
    ],
    [
      "a time that is to come",
      403,
      () => network.sign(headerOf({ sessionId: sessionId(now() + 60) }), "{}"),
      "probe",
    ],
    ["a session id that is none", 400, () => network.sign(headerOf({ sessionId: "simv1:1" }), "{}"), "probe"],
    [
      "a service that is not served",
      404,
      () => network.sign(headerOf({ serviceId: "other" }), "{}"),
      "probe",
    ],
    [
      "heights that are none",
      403,
      () => network.sign(headerOf({ sessionEndBlockHeight: 1n }), "{}"),
      "probe",
    ],
    [
      "no supplier",
      400,
      () => {
        const request = network.sign(headerOf(), "{}");
        return { ...request, meta: { ...request.meta, supplierOperatorAddress: "" } };
      },
      "probe",
    ],
    [
      "another supplier",
      403,
      () => {
        const request = network.sign(headerOf(), "{}");
        return { ...request, meta: { ...request.meta, supplierOperatorAddress: network.gateway.address } };
      },
      "probe",
    ],
    [
      "a payload that was not signed",
      403,
      () => ({ ...network.sign(headerOf(), "{}"), payload: network.sign(headerOf(), "[]").payload }),
      "probe",
    ],
  ];
  test.each(cases)(
    "refuses %s with %i, remembers nothing, asks no backend",
    async (_, status, make, keyId) => {
      const [calls, keys] = [network.backendCalls(), await keysInRedis()];
      expect(await simulate(make(), keyId)).toMatchObject({ status });
      expect(network.backendCalls()).toBe(calls);
      expect((await keysInRedis()).filter((key) => key.includes("sim"))).toEqual(
        keys.filter((key) => key.includes("sim")),
      );
    },
  );

  test("a key's rate and the number at once are bounded", async () => {
    expect((await simulate(network.sign(headerOf(), "{}"), "slow")).status).toBe(200);
    expect((await simulate(network.sign(headerOf(), "{}"), "slow")).status).toBe(429);
    network.setBackend((_, response) => void setTimeout(() => response.end("{}"), 400));
    const many = await Promise.all(Array.from({ length: 8 }, () => simulate(network.sign(headerOf(), "{}"))));
    expect(many.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 429, 429, 429, 429]);
    network.setBackend((_, response) => response.end("{}"));
    expect((await simulate(network.sign(headerOf(), "{}"))).status).toBe(200);
  });

  test("backend errors are told as for any relay, a good relay is none of this, and strangers make no labels", async () => {
    network.setBackend((_, response) => response.writeHead(503).end());
    expect((await simulate(network.sign(headerOf(), "{}"))).status).toBe(503);
    network.setBackend((_, response) => response.end("{}"));
    expect((await post(network, network.sign(await network.header(), "{}"))).status).toBe(200);
    expect((await simulate(network.sign(await network.header(), "{}"))).status).toBe(400);
    // Without the header it is a relay like any, of a session that cannot be.
    expect((await post(network, network.sign(headerOf(), "{}"))).status).toBe(400);
    const lines = (await scraped()).filter((line) => line.startsWith("ha_relayer_simulated_relays_total{"));
    for (const line of lines)
      expect(line).toMatch(/service="(kit-svc|unknown)",supplier="(pokt1\w+|unknown)"/);
    const suppliers = new Set(lines.map((line) => /supplier="(\w+)"/.exec(line)?.[1]));
    expect(suppliers).toEqual(new Set([network.supplier.address, "unknown"]));
  });

  test("without Redis none is served", async () => {
    network.redis.pause();
    try {
      expect(await simulate(network.sign(headerOf(), "{}"))).toMatchObject({ status: 503 });
    } finally {
      network.redis.resume();
    }
  });
});

test("where it is not enabled the header means nothing, and the section is not looked at", async () => {
  const plain = await startNetwork("eager", {
    relayer: { simulation: { enabled: false, identities: [{ app_pubkey_hex: "<your key>" }] } },
  });
  try {
    const headers = { "Pocket-Simulation-Key-Id": "probe" };
    expect((await post(plain, plain.sign(await plain.header(), "{}"), { headers })).status).toBe(200);
  } finally {
    await plain.close();
  }
});

describe("the configuration", () => {
  const problems = async (simulation: unknown): Promise<string> => {
    const { writeFileSync, mkdtempSync, rmSync } = await import("node:fs");
    const { join } = await import("node:path");
    const { tmpdir } = await import("node:os");
    const directory = mkdtempSync(join(tmpdir(), "relayminer-simulation-"));
    const file = join(directory, "relayer.yaml");
    const services = { svc: { backends: { jsonrpc: { url: "http://127.0.0.1:1" } } } };
    const pocket_node = { query_node_rpc_url: "http://127.0.0.1:1" };
    writeFileSync(file, JSON.stringify({ pocket_node, keys: { keys_file: "k" }, services, simulation }));
    try {
      loadRelayerConfig(file);
      return "";
    } catch (thrown) {
      return String((thrown as { fields: { why: string } }).fields.why);
    } finally {
      rmSync(directory, { recursive: true });
    }
  };

  test.each<[string, unknown, RegExp | string]>([
    ["no identities", { enabled: true }, /at least one identity is needed/],
    ["a key id twice", { enabled: true, identities: [identity("a"), identity("a")] }, /is there twice/],
    [
      "a short key",
      { enabled: true, identities: [identity("a", { app_pubkey_hex: "02" })] },
      /66 hex digits/,
    ],
    [
      "a key off the curve",
      { enabled: true, identities: [identity("a", { app_pubkey_hex: `02${"ff".repeat(32)}` })] },
      /not a point of secp256k1/,
    ],
    [
      "the placeholder key",
      {
        enabled: true,
        identities: [identity("a", { gateway_pubkeys_hex: [toHex(PLACEHOLDER_PUBLIC_KEY)] })],
      },
      /private key is public/,
    ],
    [
      "no gateway",
      { enabled: true, identities: [identity("a", { gateway_pubkeys_hex: [] })] },
      /gateway key/,
    ],
    ["a typo", { enabled: true, identities: [identity("a", { max_rsp: 1 })] }, /did you mean "max_rps"/],
    ["a good one", { enabled: true, identities: [identity("a")] }, /^$/],
    ["what is off, whatever it says", { enabled: false, identities: 7, typo: 1 }, /^$/],
  ])("%s", async (_, simulation, expected) => {
    expect(await problems(simulation)).toMatch(expected);
  });
});
