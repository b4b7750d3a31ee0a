import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { type RelayRequest, RelayRequest as RelayRequests } from "../../src/chain/proto/service.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { PLACEHOLDER_PUBLIC_KEY } from "../../src/chain/protocol/ring/members.ts";
import { loadRelayerConfig } from "../../src/runtime/config/relayer.ts";
import { openRedis } from "../../src/runtime/redis/connect.ts";
import { listOf, textsOf } from "../../src/runtime/redis/reply.ts";
import { REJECTS } from "../../src/runtime/relayer/rejects.ts";
import { freePort } from "../kit/free-port.ts";
import { type Network, quiet, startNetwork } from "../kit/network.ts";
import { post, until } from "../kit/post.ts";
import { rotated } from "../kit/rotated.ts";
import {
  simulationIdentity as identity,
  KEY_ID,
  REFUSED_SIMULATIONS,
  SIMULATION,
  simulatedHeader,
  simulatedRelay,
} from "../kit/simulation.ts";
import { streamEntries } from "../kit/stream.ts";
import { TRANSPORTS } from "../kit/transports.ts";

let network: Network;
let metricsUrl: string;

const headerOf = (changes: Partial<SessionHeader> = {}) => simulatedHeader(network, changes);

const simulate = (request: RelayRequest, keyId = "probe") =>
  post(network, request, { headers: { [KEY_ID]: keyId, accept: "text/plain" } });

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
    network = await startNetwork(mode, { webSocket: true, relayer: { simulation: SIMULATION, metrics } });
    await network.devnet.control("halt", {});
  });
  afterAll(() => network.close());

  test("one is answered by the backend and signed, without a trace in meter, stream or the other metrics", async () => {
    const before = await keysInRedis();
    const answer = await simulate(network.sign(headerOf(), "{}"));
    expect(answer).toMatchObject({ status: 200, inner: { statusCode: 200 } });
    expect(answer.headers.get("content-type")).toBe("application/json");
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

  describe.each(TRANSPORTS)("over $name", ({ send, told }) => {
    const sendOne = (request: RelayRequest, keyId = "probe") =>
      send(network, RelayRequests.encode(request), { [KEY_ID]: keyId });

    test.each(REFUSED_SIMULATIONS)(
      "refuses %s as %s, remembers nothing, asks no backend",
      async (_, reason, make, keyId) => {
        const [calls, keys] = [network.backendCalls(), await keysInRedis()];
        expect(await sendOne(make(network), keyId)).toBe(told(REJECTS[reason]));
        expect(network.backendCalls()).toBe(calls);
        expect((await keysInRedis()).filter((key) => key.includes("sim"))).toEqual(
          keys.filter((key) => key.includes("sim")),
        );
      },
    );

    test("one is served, once", async () => {
      const request = simulatedRelay(network);
      expect(await sendOne(request)).toBe("served");
      expect(await sendOne(request)).toBe(told(REJECTS.replayed));
      expect(await sendOne(rotated(request))).toBe(told(REJECTS.replayed));
      expect(await streamEntries(network, 0)).toEqual([]);
    });
  });

  test("a key's rate and the number at once are bounded", async () => {
    expect((await simulate(network.sign(headerOf(), "{}"), "slow")).status).toBe(200);
    expect((await simulate(network.sign(headerOf(), "{}"), "slow")).status).toBe(429);
    const held: (() => void)[] = [];
    network.setBackend((_, response) => void held.push(() => response.end("{}")));
    let answered = 0;
    const asked = Array.from({ length: 8 }, async () => {
      const answer = await simulate(network.sign(headerOf(), "{}"));
      answered += 1;
      return answer;
    });
    await until(
      async () => answered === 4 && held.length === 4,
      (isSo) => isSo,
    );
    for (const letGo of held) letGo();
    const many = await Promise.all(asked);
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
    expect((await post(network, network.sign(headerOf(), "{}"))).status).toBe(403);
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
    const headers = { [KEY_ID]: "probe" };
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
