import { type AddressInfo, createServer } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Presence } from "../../src/runtime/relayer/presence.ts";
import { startBackend, type TestBackend } from "../kit/backend.ts";
import { poolOf } from "../kit/pool.ts";
import { until } from "../kit/post.ts";
import { runningTime } from "../kit/running-time.ts";

let a: TestBackend;
let b: TestBackend;
const opened: { close(): Promise<void> }[] = [];
beforeEach(async () => {
  [a, b] = [await startBackend("a"), await startBackend("b")];
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  await a.close();
  await b.close();
});

const open = (how: Parameters<typeof poolOf>[0]) => {
  const pool = poolOf(how);
  opened.push(pool);
  return pool;
};
const both = (over = {}) => ({ urls: [a.url, b.url], ...over });
const times = async (count: number, ask: () => Promise<string>) => {
  const outcomes: string[] = [];
  for (let each = 0; each < count; each++) outcomes.push(await ask());
  return outcomes;
};
/** How long one that was left out stays so: longer than any test. */
const RECOVERY = { recovery_timeout_seconds: 60 };
const RECOVERY_MS = 60_000;
/** Has an endpoint keep its requests until they are let go, oldest first. */
const holding = (one: TestBackend, text: string) => {
  const held: (() => void)[] = [];
  one.set((_, response) => void held.push(() => response.end(text)));
  return held;
};

test.each([
  ["answers 500", (one: TestBackend) => one.set((_, response) => response.writeHead(500).end("no"))],
  ["answers 599", (one: TestBackend) => one.set((_, response) => response.writeHead(599).end("no"))],
  ["resets", (one: TestBackend) => one.set((request) => request.socket.resetAndDestroy())],
  ["talks garbage", (one: TestBackend) => one.set((request) => request.socket.end("ICY 200 OK\r\n\r\n"))],
  ["refuses", (one: TestBackend) => one.close()],
])("an endpoint that %s is left out after five times, and every client has its answer", async (_, fault) => {
  const { outcome, phases, metric } = open({ yaml: both() });
  await fault(a);
  expect(await times(12, outcome)).toEqual(Array(12).fill("200 b"));
  expect(phases()).toBe("ejected,up");
  expect(await metric("backend_retries_total", { outcome: "answered" })).toBe(5);
  expect(await metric("backend_state_changes_total", { to: "ejected" })).toBe(1);
  const heard = a.heard.length;
  await times(5, outcome);
  expect(a.heard.length).toBe(heard);
});

test("one that is well again gets one request first, then its turn", async () => {
  const { outcome, phases, later } = open({ yaml: both(RECOVERY) });
  await a.close();
  await times(10, outcome);
  expect(phases()).toBe("ejected,up");
  await a.open();
  later(RECOVERY_MS);
  const seen = await times(6, outcome);
  expect(phases()).toBe("up,up");
  expect(seen.filter((text) => text === "200 a").length).toBe(3);
});

test("a probe that fails is answered by another endpoint", async () => {
  const { outcome, phases, metric, later } = open({ yaml: both(RECOVERY) });
  await a.close();
  await times(10, outcome);
  later(RECOVERY_MS);
  const before = await metric("backend_retries_total");
  expect(await times(4, outcome)).toEqual(Array(4).fill("200 b"));
  expect(await metric("backend_retries_total")).toBe(before + 1);
  expect(phases()).toBe("ejected,up");
});

test("what is late or called off counts against nobody and is not tried again", async () => {
  const { ask, outcome, phases, metric } = open({ yaml: both(), reach: { requestMs: 150 } });
  for (const one of [a, b]) one.set(() => undefined);
  expect(await times(12, outcome)).toEqual(Array(12).fill("backend_timeout"));
  for (let each = 0; each < 6; each++) {
    const client = new Presence();
    const asked = ask("/", client).catch((thrown) => thrown.code);
    setTimeout(() => client.leave(), 10);
    expect(await asked).toBe("client_gone");
  }
  expect(phases()).toBe("up,up");
  expect(await metric("backend_retries_total")).toBe(0);
});

test("an endpoint that takes no connection in time is left out, like one that refuses", async () => {
  // A TLS handshake that is never answered.
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const { port } = silent.address() as AddressInfo;
  opened.push({ close: async () => void silent.close() });
  const yaml = { urls: [`https://127.0.0.1:${port}`, b.url], health_check: { unhealthy_threshold: 2 } };
  const { outcome, phases, metric } = open({ yaml, reach: { dialMs: 100 } });
  expect(await times(8, outcome)).toEqual(Array(8).fill("200 b"));
  expect(phases()).toBe("ejected,up");
  expect(await metric("backend_dial_seconds", { outcome: "failed" })).toBe(2);
});

test("the only endpoint stays, whatever it does", async () => {
  const { outcome, phases } = open({ yaml: { url: a.url } });
  a.set((_, response) => response.writeHead(503).end());
  expect(await times(20, outcome)).toEqual(Array(20).fill("503 "));
  expect(phases()).toBe("up");
  expect(a.heard.length).toBe(20);
});

test.each([
  [0, 1],
  [1, 2],
  [2, 3],
  [3, 3],
])("max_retries %i: at most %i endpoints are asked, each once", async (max_retries, asked) => {
  const c = await startBackend("c");
  opened.push(c);
  for (const one of [a, b, c]) one.set((_, response) => response.writeHead(502).end());
  const { ask } = open({ yaml: { urls: [a.url, b.url, c.url], max_retries } });
  expect(await ask()).toMatchObject({ status: 502, retries: asked - 1 });
  expect([a, b, c].map(({ heard }) => heard.length).reduce((sum, count) => sum + count)).toBe(asked);
});

test("a 4xx is an answer: no retry, nothing against the endpoint", async () => {
  const { outcome, phases, metric } = open({ yaml: both() });
  a.set((_, response) => response.writeHead(429).end());
  expect(new Set(await times(20, outcome))).toEqual(new Set(["429 ", "200 b"]));
  expect(await metric("backend_retries_total")).toBe(0);
  expect(phases()).toBe("up,up");
});

test("a retry ends with the request's time", async () => {
  const { outcome } = open({ yaml: both(), reach: { requestMs: 400 } });
  a.set((_, response) => setTimeout(() => response.writeHead(500).end(), 300));
  b.set(() => undefined);
  const start = runningTime();
  expect(await outcome()).toBe("backend_timeout");
  expect(runningTime() - start).toBeLessThan(650);
});

test("retries cannot double an outage: a fifth of the requests, and ten", async () => {
  const { outcome, metric } = open({ yaml: both({ recovery_timeout_seconds: 0 }) });
  for (const one of [a, b]) one.set((_, response) => response.writeHead(500).end());
  await times(100, outcome);
  expect(await metric("backend_retries_total", { outcome: "server_fault" })).toBe(30);
  expect(a.heard.length + b.heard.length).toBe(130);
});

test("so many connections, so many in line, the rest is refused at once; who waits too long is, too", async () => {
  const { outcome, pool, metric } = open({
    yaml: { url: a.url },
    reach: { connections: 2, maxWaiting: 3, maxWaitMs: 4_000, requestMs: 30_000 },
  });
  const held = holding(a, "a");
  const asked = Array.from({ length: 8 }, () => outcome());
  expect(pool.load()).toMatchObject({ inFlight: 2, capacity: 2, waiting: 3 });
  expect(() => pool.requireRoom()).toThrow(expect.objectContaining({ code: "backend_saturated" }));
  const refused = await Promise.all(asked.slice(5));
  expect(refused).toEqual(Array(3).fill("backend_saturated"));
  expect(pool.load()).toMatchObject({ inFlight: 2, waiting: 3 });
  const arrived = (count: number) =>
    until(
      async () => held.length,
      (seen) => seen === count,
    );
  // Two are served, and two of the line; the last one's patience ends while those are in work.
  expect(await arrived(2)).toBe(2);
  for (const letGo of held) letGo();
  expect(await arrived(4)).toBe(4);
  expect(await asked[4]).toBe("backend_saturated");
  expect(held.length).toBe(4);
  for (const letGo of held) letGo();
  expect(await Promise.all(asked.slice(0, 4))).toEqual(Array(4).fill("200 a"));
  expect(pool.load()).toMatchObject({ inFlight: 0, waiting: 0, open: 2 });
  expect(await metric("backend_shed_total", { reason: "full" })).toBe(4);
  expect(await metric("backend_shed_total", { reason: "late" })).toBe(1);
  expect(await metric("http_pool_wait_seconds")).toBe(3);
  expect(await metric("backend_dial_seconds", { outcome: "connected" })).toBe(2);
});

test.each([
  ["of one endpoint", () => ({ url: a.url })],
  ["of the first of two", () => both({ load_balancing: "first_healthy" })],
])(
  "nobody joins a line %s that is too long for his patience, as far as the backend's times tell",
  async (_, yaml) => {
    let stopped: number | undefined = performance.now();
    const { outcome, pool, metric, later } = open({
      yaml: yaml(),
      reach: { connections: 2, maxWaiting: 50, maxWaitMs: 1_150 },
      monotonic: () => stopped ?? performance.now(),
    });
    a.set((_, response) => {
      later(400);
      response.end("a");
    });
    expect(await outcome()).toBe("200 a");
    a.set((_, response) => response.end("a"));
    // Two are in work, and two of the line are done each 400 ms.
    const asked = Array.from({ length: 7 }, () => {
      pool.requireRoom();
      return outcome();
    });
    expect(() => pool.requireRoom()).not.toThrow();
    asked.push(outcome());
    expect(() => pool.requireRoom()).toThrow(expect.objectContaining({ code: "backend_saturated" }));
    expect(await metric("backend_shed_total", { reason: "full" })).toBe(1);
    stopped = undefined;
    await Promise.all(asked);
    expect(() => pool.requireRoom()).not.toThrow();
  },
);

test("a crowd that waits for a slow backend does not stay one: its requests come one after the other, and none is overtaken", async () => {
  const [connections, holdMs, rounds] = [20, 200, 8];
  const { outcome, pool } = open({
    yaml: { url: a.url },
    reach: { connections, maxWaiting: 100, maxWaitMs: 4_000 },
  });
  const came: number[] = [];
  a.set((_, response) => {
    came.push(performance.now());
    setTimeout(() => response.end("a"), holdMs);
  });
  const keepAsking = async (worker: number) => {
    const seen: string[] = [];
    for (let round = 0; round < rounds; round++) seen.push(await outcome(`/${worker}/${round}`));
    return seen;
  };
  const answers = await Promise.all(Array.from({ length: 3 * connections }, (_, each) => keepAsking(each)));
  expect(new Set(answers.flat())).toEqual(new Set(["200 a"]));
  expect(pool.load()).toMatchObject({ inFlight: 0, waiting: 0 });
  // When many wait: how many of the intervals of a hundredth of a second have a request in them, where a stall has made no new crowd.
  const parts = [6, 9, 12, 15, 18].map((from) => {
    const part = came.slice(from * connections, (from + 3) * connections);
    const intervals = new Set(part.map((at) => Math.floor(at / 10)));
    return (10 * intervals.size) / ((part.at(-1) ?? 0) - (part[0] ?? 0));
  });
  expect(Math.max(...parts)).toBeGreaterThan(0.5);
  // Who asks again is behind all those who wait for their first answer.
  const first = a.heard.slice(0, 2.5 * connections).map(({ url = "" }) => url.split("/")[2]);
  expect(new Set(first)).toEqual(new Set(["0"]));
});

test("whoever waits is served in turn by the endpoint that is free first, and leaves the line when the client leaves", async () => {
  const { ask, outcome, pool } = open({ yaml: both(), reach: { connections: 1 } });
  const held = holding(a, "a");
  b.set((_, response) => setTimeout(() => response.end("b"), 20));
  const first = [outcome(), outcome()];
  const client = new Presence();
  const leaving = ask("/", client).catch((thrown) => thrown.code);
  const later = [outcome(), outcome(), outcome()];
  client.leave();
  expect(await leaving).toBe("client_gone");
  expect(pool.load().waiting).toBe(3);
  expect(await Promise.all(later)).toEqual(["200 b", "200 b", "200 b"]);
  for (const letGo of held) letGo();
  expect(await Promise.all(first)).toEqual(["200 a", "200 b"]);
});

test("an endpoint that may be tried again serves those who wait, from the next request on", async () => {
  const { outcome, phases, pool, later } = open({
    yaml: both(RECOVERY),
    // Of a request's time the whole recovery passes at once.
    reach: { connections: 1, maxWaitMs: 10_000, requestMs: RECOVERY_MS + 20_000 },
  });
  await a.close();
  await times(10, outcome);
  expect(phases()).toBe("ejected,up");
  await a.open();
  b.set(() => undefined);
  const stuck = outcome();
  const inLine = outcome();
  later(RECOVERY_MS);
  expect(pool.load()).toMatchObject({ inFlight: 1, waiting: 1 });
  expect(await Promise.all([inLine, outcome()])).toEqual(["200 a", "200 a"]);
  await b.close();
  await stuck;
});

test("a backend has no more in work than its share, whatever its connections", async () => {
  const { outcome, pool } = open({ yaml: both(), share: 4, reach: { maxWaiting: 10 } });
  for (const one of [a, b]) one.set((_, response) => setTimeout(() => response.end("x"), 100));
  const asked = Array.from({ length: 5 }, outcome);
  expect(pool.load()).toMatchObject({ inFlight: 2, capacity: 2, waiting: 2 });
  expect((await Promise.all(asked)).toSorted()).toEqual([...Array(4).fill("200 x"), "backend_saturated"]);
});

const CHECKED = {
  enabled: true,
  endpoint: "/health",
  interval_seconds: 1,
  timeout_seconds: 10,
  unhealthy_threshold: 1,
  healthy_threshold: 1,
};

test("checks ask as configured, take out an endpoint that fails them, and bring it back", async () => {
  const health_check = {
    ...CHECKED,
    endpoint: "/health?deep=1",
    method: "post",
    request_body: '{"method":"ping"}',
    expected_status: [200, 418],
    expected_body: "pong",
    headers: { "X-Check": "1" },
  };
  const yaml = both({
    base_path: "/v1",
    health_check,
    headers: { "X-Key": "k" },
    authentication: { bearer_token: "t" },
  });
  const { outcome, phases, metric } = open({ yaml });
  const isCheck = (url = "") => url.startsWith("/v1/health");
  let aSays = "pong";
  a.set((request, response) =>
    isCheck(request.url) ? response.writeHead(418).end(aSays) : response.end("a"),
  );
  b.set((_, response) => response.end("b and pong"));
  await until(
    () => metric("health_check_successes_total"),
    (count) => count >= 2,
  );
  expect(phases()).toBe("up,up");
  const check = a.heard.find(({ url }) => isCheck(url));
  expect(check).toMatchObject({ method: "POST", url: "/v1/health?deep=1" });
  expect(check?.headers).toMatchObject({
    authorization: "Bearer t",
    "x-key": "k",
    "x-check": "1",
    "content-type": "application/json",
    "accept-encoding": "identity",
  });
  aSays = "ping";
  await until(
    async () => phases(),
    (text) => text === "down,up",
  );
  expect(await times(4, outcome)).toEqual(Array(4).fill("200 b and pong"));
  expect(await metric("health_check_failures_total")).toBeGreaterThan(0);
  aSays = "pong";
  expect(
    await until(
      async () => phases(),
      (text) => text === "up,up",
    ),
  ).toBe("up,up");
  expect(await metric("backend_state_changes_total", { to: "down" })).toBe(1);
});

test("when checks took out every endpoint, requests are refused at once, those in line too, and served again afterwards", async () => {
  const yaml = { url: a.url, health_check: CHECKED };
  const { outcome, phases, metric, pool } = open({
    yaml,
    reach: { connections: 1, maxWaitMs: 10_000, requestMs: 20_000 },
  });
  const well = new Set<string>();
  a.set((request, response) => {
    if (request.url === "/health") return void response.writeHead(well.has("a") ? 204 : 500).end();
    if (well.has("a")) response.end("a");
    else setTimeout(() => response.end("late"), 3_000);
  });
  const [slow, inLine] = [outcome(), outcome()];
  expect(pool.load().waiting).toBe(1);
  expect(await inLine).toBe("backend_down");
  expect(phases()).toBe("down");
  expect(() => pool.requireRoom()).toThrow(expect.objectContaining({ code: "backend_down" }));
  const heard = a.heard.filter(({ url }) => url !== "/health").length;
  expect(await outcome()).toBe("backend_down");
  expect(a.heard.filter(({ url }) => url !== "/health").length).toBe(heard);
  expect(await metric("fast_fails_total")).toBe(3);
  expect(await slow).toBe("200 late");
  well.add("a");
  await until(
    async () => phases(),
    (text) => text === "up",
  );
  expect(await outcome()).toBe("200 a");
});

test("checks have a connection of their own: a saturated backend does not fail them", async () => {
  const yaml = { url: a.url, health_check: CHECKED };
  const { outcome, phases, metric, pool } = open({
    yaml,
    reach: { connections: 1, requestMs: 5_000, maxWaitMs: 100 },
  });
  a.set((request, response) => {
    if (request.url === "/health") response.end();
  });
  const stuck = outcome();
  await until(
    () => metric("health_check_successes_total"),
    (count) => count >= 2,
  );
  expect(pool.load().inFlight).toBe(1);
  expect(await metric("health_check_failures_total")).toBe(0);
  expect(phases()).toBe("up");
  expect(await stuck).toBe("backend_timeout");
});

test("credentials in an endpoint's URL are sent as Basic ones, and never shown", async () => {
  const url = a.url.replace("http://", "http://us%40er:pa%3Ass@");
  const { outcome, pool } = open({ yaml: { url: `${url}/key?token=secret` } });
  expect(await outcome()).toBe("200 a");
  expect(a.heard[0]?.headers.authorization).toBe(`Basic ${Buffer.from("us@er:pa:ss").toString("base64")}`);
  expect(pool.states()).toEqual([{ name: `127.0.0.1:${a.port}`, origin: a.url, phase: "up" }]);
});
