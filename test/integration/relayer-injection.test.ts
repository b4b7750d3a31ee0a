import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import type { RelayRequest } from "../../src/chain/proto/service.ts";
import { RelayRequest as Requests } from "../../src/chain/proto/service.ts";
import { openRedis } from "../../src/runtime/redis/connect.ts";
import { listOf, textsOf } from "../../src/runtime/redis/reply.ts";
import { relayerMetrics } from "../../src/runtime/relayer/metrics.ts";
import { REJECTS, Reject } from "../../src/runtime/relayer/rejects.ts";
import { decoder } from "../../src/runtime/relayer/steps/decode.ts";
import { RelayWork } from "../../src/runtime/relayer/work.ts";
import { freePort } from "../kit/free-port.ts";
import { type Network, quiet, startNetwork } from "../kit/network.ts";
import { post } from "../kit/post.ts";
import { TRANSPORTS } from "../kit/transports.ts";
import { SocketClient } from "../kit/websocket.ts";

const NASTY = [
  "*",
  "ha:relays:*",
  "{a}:b",
  "a\nb",
  "\u001b[31mred",
  "__proto__",
  "constructor",
  "../..",
  '"},{"level":"error"',
  "\u0000",
  "x".repeat(100_000),
];

let network: Network;
let metricsUrl: string;
beforeAll(async () => {
  const addr = `127.0.0.1:${await freePort()}`;
  metricsUrl = `http://${addr}/metrics`;
  network = await startNetwork("eager", { webSocket: true, relayer: { metrics: { enabled: true, addr } } });
  await network.devnet.control("halt", {});
});
afterAll(() => network.close());

/** A good relay with a nasty text in each place that a stranger fills. */
async function nasty(): Promise<{ request: RelayRequest; rpcType?: string }[]> {
  const header = await network.header();
  return NASTY.flatMap((text) => [
    { request: network.sign({ ...header, sessionId: text }, "{}") },
    { request: network.sign({ ...header, serviceId: text }, "{}") },
    { request: network.sign({ ...header, applicationAddress: text }, "{}") },
    {
      request: (() => {
        const signed = network.sign(header, "{}");
        return { ...signed, meta: { ...signed.meta, supplierOperatorAddress: text } };
      })(),
    },
    // What no header line can hold never leaves the client.
    ...(/^[\x20-\x7e]{1,200}$/.test(text) ? [{ request: network.sign(header, "{}"), rpcType: text }] : []),
  ]);
}

const series = async (): Promise<Set<string>> => {
  const text = await (await fetch(metricsUrl)).text();
  const names = text.split("\n").filter((line) => line.startsWith("ha_relayer_"));
  return new Set(names.map((line) => line.slice(0, line.lastIndexOf(" "))));
};

/** Handshakes with a nasty text in each header that is read. */
const nastyHandshakes = (): Record<string, string>[] =>
  NASTY.filter((text) => /^[\x20-\x7e]{1,200}$/.test(text)).flatMap((text) => [
    { "Target-Service-Id": text },
    { "X-Forwarded-Host": text },
    ...["App-Address", "Pocket-Session-Id", "Pocket-Supplier-Address", "Pocket-Session-End-Height"].map(
      (name) => ({ "Target-Service-Id": "kit-svc", "Pocket-Signature": "AAAA", [name]: text }),
    ),
  ]);

/** Any refusal but those that are failures of ours. */
const CLIENTS_FAULT = Object.entries(REJECTS).filter(
  ([reason, { http }]) => http < 500 || reason === "no_backend" || reason === "unknown_supplier",
);

test("texts of strangers become no key in Redis and no label of a metric", async () => {
  for (const { name, send, told } of TRANSPORTS) {
    const expected = CLIENTS_FAULT.map(([, row]) => told(row));
    expect(await send(network, Requests.encode(network.sign(await network.header(), "{}")))).toBe("served");
    for (const { request, rpcType } of await nasty()) {
      // The handshake's is not asked for: the connection has its backend by then.
      if (rpcType !== undefined && name === "WebSocket") continue;
      const headers = rpcType === undefined ? undefined : { "rpc-type": rpcType };
      expect(expected).toContain(await send(network, Requests.encode(request), headers));
    }
  }
  for (const headers of nastyHandshakes())
    await SocketClient.open(network.url, headers).then(
      ({ socket }) => socket.close(),
      (error: Error) => expect(error.message).toMatch(/40[034]/),
    );
  const before = await series();
  const header = await network.header();
  // The reasons are known by now: however many strangers there are, there is no line more.
  for (let stranger = 0; stranger < 200; stranger++) {
    const request = network.sign({ ...header, serviceId: `svc-${stranger}` }, "{}");
    const supplierOperatorAddress = `pokt1stranger${stranger}`;
    await post(network, request);
    await post(network, { ...request, meta: { ...request.meta, supplierOperatorAddress } });
    await post(network, network.sign(header, "{}"), { headers: { "rpc-type": `kind-${stranger}` } });
  }
  expect([...(await series())].filter((line) => !before.has(line))).toEqual([]);
  expect([...before].filter((line) => /stranger|__proto|relays:/.test(line))).toEqual([]);
  const redis = await openRedis({ url: network.redis.url, logger: quiet, role: "test" });
  try {
    const keys = textsOf(listOf(await redis.commands.send("KEYS", "*")));
    for (const key of keys) {
      expect(key).toMatch(/^ha:[A-Za-z0-9_.:{}-]{1,250}$/);
      expect(key).not.toMatch(/proto__|constructor|\.\./);
    }
  } finally {
    await redis.close();
  }
  expect((await post(network, network.sign(await network.header(), "{}"))).status).toBe(200);
});

test("a refusal is one short line of the log, whatever a stranger wrote", async () => {
  const lines: string[] = [];
  const logger = pino({ level: "debug" }, { write: (line: string) => void lines.push(line) });
  const work = new RelayWork({ clock: systemClock, logger, metrics: relayerMetrics(), maxInFlight: 1 });
  const decode = decoder();
  const header = await network.header();
  for (const text of NASTY) {
    const signed = network.sign(header, "{}");
    const request = { ...signed, meta: { ...signed.meta, supplierOperatorAddress: text } };
    const relay = decode.http({ body: Requests.encode(request) });
    work.refused({ service: "kit-svc", rpcType: "jsonrpc", relay }, new Reject("unknown_supplier"));
  }
  expect(lines).toHaveLength(NASTY.length);
  for (const line of lines) {
    expect(line.length).toBeLessThan(1_500);
    expect(line.indexOf("\n")).toBe(line.length - 1);
    expect([...line.slice(0, -1)].filter((character) => character < " ")).toEqual([]);
    expect(JSON.parse(line)).toMatchObject({ level: 20, reason: "unknown_supplier", msg: "relay refused" });
  }
});
