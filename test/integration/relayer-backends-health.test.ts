import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { openRedis } from "../../src/runtime/redis/connect.ts";
import { heartbeats } from "../../src/runtime/redis/heartbeat.ts";
import { redisKeys } from "../../src/runtime/redis/keys.ts";
import { startBackend, type TestBackend } from "../kit/backend.ts";
import { freePort } from "../kit/free-port.ts";
import { type Network, quiet, startNetwork } from "../kit/network.ts";
import { post, until } from "../kit/post.ts";
import { streamEntries } from "../kit/stream.ts";

let one: TestBackend;
let two: TestBackend;
let network: Network;
let header: SessionHeader;
let opsUrl: string;
beforeAll(async () => {
  [one, two] = [await startBackend("one"), await startBackend("two")];
  const port = await freePort();
  opsUrl = `http://127.0.0.1:${port}`;
  const health_check = { enabled: true, endpoint: "/health", interval_seconds: 1, unhealthy_threshold: 5 };
  const urls = [
    { name: "one", url: `${one.url}/secret-key` },
    { name: "two", url: two.url },
  ];
  network = await startNetwork("eager", {
    relayer: {
      health_check: { enabled: true, addr: `127.0.0.1:${port}` },
      relay: { verify_workers: 0, max_in_flight: 20, backend_limits: { max_wait: "6s" } },
      timeout_profiles: { fast: { request_seconds: 8 } },
    },
    service: { backends: { jsonrpc: { urls, health_check }, rest: { url: two.url } } },
  });
  await network.devnet.control("halt", {});
  header = await network.header();
});
afterAll(async () => {
  await network.close();
  await one.close();
  await two.close();
});

const WELL =
  (name: string): Parameters<TestBackend["set"]>[0] =>
  (_, response) =>
    response.end(name);
beforeEach(() => {
  one.set(WELL("one"));
  two.set(WELL("two"));
});

type Endpoint = { readonly name: string; readonly state: string };
type Transport = {
  readonly ready: boolean;
  readonly in_flight: number;
  readonly waiting: number;
  readonly endpoints: readonly Endpoint[];
};
type Readiness = {
  readonly block_height: number;
  readonly backends: { readonly endpoints: readonly Endpoint[] };
  readonly transports: Record<"jsonrpc" | "rest", Transport>;
};

let ids = 0;
const relay = (headers = {}, path = "/") =>
  post(network, network.sign(header, JSON.stringify({ id: ++ids }), { path }), { headers });
async function beats() {
  const redis = await openRedis({ url: network.redis.url, logger: quiet, role: "test" });
  try {
    return await heartbeats(redis.commands, redisKeys(network.namespace)).live();
  } finally {
    await redis.close();
  }
}
const ready = async (url = network.url, service = "kit-svc") => {
  const response = await fetch(`${url}/ready/${service}`);
  return { status: response.status, body: (await response.json()) as Readiness };
};

test("a relay that was tried again elsewhere is one paid relay, and says so in its header", async () => {
  one.set((request, response) =>
    request.url?.includes("health") ? response.end() : response.writeHead(500).end("broken"),
  );
  const before = (await streamEntries(network, 0)).length;
  const answers = [await relay(), await relay()];
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  expect(new Set(answers.map(({ headers }) => headers.get("backend-retries")))).toEqual(new Set(["1", null]));
  expect(answers.map(({ inner }) => Buffer.from(inner?.bodyBz ?? "").toString())).toEqual(["two", "two"]);
  expect((await streamEntries(network, before + 2)).length).toBe(before + 2);
});

test("/ready/<service> tells of every endpoint, on the relay port and on the health port, and shows no URL's path", async () => {
  for (const url of [network.url, opsUrl]) {
    const { status, body } = await ready(url);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      service_id: "kit-svc",
      ready: true,
      pool: { max_idle_conns_per_host: expect.any(Number), in_flight: 0, saturation_pct: 0 },
      backends: { total: 3, healthy: 3 },
      transports: { jsonrpc: { ready: true }, rest: { ready: true } },
    });
    expect(body.block_height).toBeGreaterThan(0);
    expect(body.backends.endpoints).toContainEqual({ name: "one", url: one.url, healthy: true, state: "up" });
    expect(JSON.stringify(body)).not.toContain("secret-key");
    expect((await ready(url, "other")).status).toBe(404);
  }
});

test("a backend that never answers takes no more than its share: another one is served meanwhile, and what is shed says so", async () => {
  for (const backend of [one, two])
    backend.set((request, response) => {
      if (!request.url?.endsWith("/slow")) response.end("well");
    });
  const slow = Array.from({ length: 30 }, () => relay({}, "/slow"));
  const { body } = await until(
    ready,
    ({ body: { transports } }) => transports.jsonrpc.in_flight === 5 && transports.jsonrpc.waiting === 5,
  );
  expect(body.transports.jsonrpc).toMatchObject({ in_flight: 5, waiting: 5 });
  for (let each = 0; each < 10; each++) expect((await relay({ "rpc-type": "4" })).status).toBe(200);
  const shed = await relay({}, "/slow");
  expect(shed).toMatchObject({ status: 503, error: expect.stringContaining("too many") });
  expect(shed.headers.get("retry-after")).toBe("1");
  const statuses = (await Promise.all(slow)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 504).length).toBe(5);
  expect(statuses.filter((status) => status === 503).length).toBe(25);
});

test("the breaker is seen in /ready/<service> and in the heartbeat, and what it leaves out is one endpoint of one backend", async () => {
  one.set((request, response) =>
    request.url?.includes("health") ? response.end() : response.writeHead(500).end(),
  );
  for (let each = 0; each < 10; each++) expect((await relay()).status).toBe(200);
  const { status, body } = await ready();
  expect(status).toBe(200);
  expect(body.backends).toMatchObject({ total: 3, healthy: 2 });
  expect(body.transports.jsonrpc.endpoints.map(({ state }) => state)).toEqual(["ejected", "up"]);
  expect((await relay()).headers.get("backend-retries")).toBe(null);
  const [beat] = await until(beats, (list) => JSON.stringify(list).includes("ejected"), 15_000);
  expect(beat?.details["services"]).toMatchObject([
    {
      id: "kit-svc",
      backends: {
        jsonrpc: [
          { name: "one", state: "ejected" },
          { name: "two", state: "up" },
        ],
      },
    },
  ]);
});

test("when every endpoint fails its checks relays are refused at once in the Go peer's words, unpaid, and the service is not ready", async () => {
  for (const backend of [one, two]) backend.set((_, response) => response.writeHead(503).end());
  const down = await until(ready, ({ body }) => body.transports.jsonrpc.ready === false, 15_000);
  // The other backend of the service has no checks.
  expect(down.status).toBe(200);
  expect(down.body.transports.rest.ready).toBe(true);
  const [before, asked] = [(await streamEntries(network, 0)).length, one.heard.length];
  const body = Buffer.from("not signed at all");
  expect((await fetch(network.url, { method: "POST", body })).status).toBe(400);
  const response = await relay();
  expect(response).toMatchObject({ status: 503, error: "service temporarily unavailable" });
  expect(response.headers.get("retry-after")).toBe("5");
  expect((await streamEntries(network, 0)).length).toBe(before);
  expect(one.heard.slice(asked).every(({ url }) => url === "/secret-key/health")).toBe(true);
  two.set(WELL("two"));
  expect((await relay({ "rpc-type": "4" })).status).toBe(200);
  expect((await until(relay, ({ status }) => status === 200)).status).toBe(200);
});
