import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { REJECTS } from "../../src/runtime/relayer/rejects.ts";
import { freePort } from "../kit/free-port.ts";
import { type Network, startNetwork } from "../kit/network.ts";
import { post, until } from "../kit/post.ts";
import { chainHeight, goTo } from "../kit/session-steps.ts";

let network: Network;
let header: SessionHeader;
let url: string;
beforeAll(async () => {
  const port = await freePort();
  url = `http://127.0.0.1:${port}/metrics`;
  network = await startNetwork("eager", {
    stake: 44_129,
    relayer: { metrics: { enabled: true, addr: `127.0.0.1:${port}` } },
  });
  await network.devnet.control("halt", {});
  header = await network.header();
});
afterAll(() => network.close());

const byText = (left: string, right: string): number => (left < right ? -1 : 1);

type Sample = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
};

/** The samples of the text format. */
async function scrape(): Promise<Sample[]> {
  const text = await (await fetch(url)).text();
  return text.split("\n").flatMap((line): Sample[] => {
    const [, name, labels = "", value] = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) return [];
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, is]) => [key, is] as const);
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }];
  });
}

const ours = (samples: readonly Sample[]) => samples.filter(({ name }) => name.startsWith("ha_"));
const find = (samples: readonly Sample[], name: string, labels: Readonly<Record<string, string>>) =>
  samples.find(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([key, is]) => sample.labels[key] === is),
  )?.value;

/** The Go peer's (go-peers 2.6), as far as this relayer does what they count, then those of the verification. */
const NAMES = {
  ha_relayer_relays_received_total: ["rpc_type", "service_id"],
  ha_relayer_relays_served_total: ["rpc_type", "service_id", "status_code"],
  ha_relayer_relays_rejected_total: ["reason", "rpc_type", "service_id"],
  ha_relayer_relays_published_total: ["service_id", "supplier"],
  ha_relayer_backend_requests_total: ["outcome", "service_id", "status_code"],
  ha_relayer_validation_failures_total: ["reason", "service_id"],
  ha_relayer_relay_meter_consumptions_total: ["result", "service_id"],
  ha_relayer_active_connections: [],
  ha_relayer_current_block_height: [],
  ha_relayer_relay_latency_seconds_count: ["rpc_type", "service_id"],
  ha_relayer_backend_latency_seconds_count: ["outcome", "service_id"],
  ha_relayer_validation_latency_seconds_count: ["mode", "service_id"],
  ha_relayer_relay_meter_latency_seconds_count: ["mode", "service_id"],
  ha_relayer_request_body_size_bytes_count: ["service_id"],
  ha_relayer_response_body_size_bytes_count: ["service_id"],
  ha_relayer_verified_total: ["place"],
  ha_relayer_verify_batch_size_count: ["place"],
  ha_relayer_verify_wait_seconds_count: [],
  ha_relayer_verify_queue_length: [],
  ha_relayer_verify_tables: ["place"],
  ha_relayer_verify_table_bytes: ["place"],
  ha_relayer_verify_slow_total: [],
  ha_relayer_verify_slow_refused_total: [],
  ha_relayer_verify_worker_restarts_total: [],
  ha_relayer_event_loop_delay_seconds: ["quantile"],
  ha_relayer_ring_verifier_info: ["signer", "verifier"],
  ha_cache_hits_total: ["cache_type", "level"],
  ha_cache_misses_total: ["cache_type"],
};

let ids = 0;
const sign = (how = {}) => network.sign(header, JSON.stringify({ id: ++ids }), how);

test("what happened to relays is counted under the Go peer's names and labels", async () => {
  for (let sent = 0; sent < 5; sent++) expect((await post(network, sign())).status).toBe(200);
  // What a session is metered by is read from the cache again after a quarter of a second.
  await sleep(300);
  expect((await post(network, sign())).status).toBe(429);
  expect((await post(network, sign({ signer: network.newcomer }))).status).toBe(403);
  const service_id = "kit-svc";
  const expected: [string, Record<string, string>, number][] = [
    ["ha_relayer_relays_received_total", { service_id, rpc_type: "jsonrpc" }, 7],
    ["ha_relayer_relays_served_total", { service_id, rpc_type: "jsonrpc", status_code: "200" }, 5],
    ["ha_relayer_relays_published_total", { service_id, supplier: network.supplier.address }, 5],
    ["ha_relayer_relays_rejected_total", { service_id, reason: "over_limit" }, 1],
    ["ha_relayer_relays_rejected_total", { service_id, reason: "signature_invalid" }, 1],
    ["ha_relayer_validation_failures_total", { service_id, reason: "signature_invalid" }, 1],
    ["ha_relayer_relay_meter_consumptions_total", { service_id, result: "allowed" }, 5],
    ["ha_relayer_relay_meter_consumptions_total", { service_id, result: "denied" }, 1],
    ["ha_relayer_backend_requests_total", { service_id, outcome: "ok", status_code: "200" }, 5],
    ["ha_relayer_active_connections", {}, 0],
    ["ha_relayer_verified_total", { place: "inline" }, 7],
    ["ha_relayer_verify_queue_length", {}, 0],
    ["ha_relayer_ring_verifier_info", { verifier: "kernel" }, 1],
  ];
  // Some of it is counted when the answer has left.
  const samples = await until(scrape, (found) =>
    expected.every(([name, labels, value]) => find(found, name, labels) === value),
  );
  for (const [name, labels] of Object.entries(NAMES)) {
    const found = samples.find((sample) => sample.name === name);
    expect({ name, labels: Object.keys(found?.labels ?? { none: "" }).sort(byText) }).toEqual({
      name,
      labels,
    });
  }
  for (const [name, labels, value] of expected)
    expect({ name, labels, value: find(samples, name, labels) }).toEqual({ name, labels, value });
  const height = (await chainHeight(network)) + 1n;
  await goTo(network, height);
  expect(find(await scrape(), "ha_relayer_current_block_height", {})).toBe(Number(height));
});

test("a warm session asks neither chain nor cache tier for anything, however many relays come", async () => {
  const reads = async () =>
    ours(await scrape())
      .filter(({ name, labels }) => name === "ha_cache_misses_total" || labels["level"] === "l2")
      .reduce((sum, { value }) => sum + value, 0);
  await post(network, sign());
  const before = await reads();
  const start = performance.now();
  for (let sent = 0; sent < 300; sent++) await post(network, sign());
  // Live params come of age every ten seconds.
  if (performance.now() - start < 8_000) expect((await reads()) - before).toBeLessThanOrEqual(2);
});

test("whatever strangers send, the number of series stays what it was", async () => {
  const strange = async (index: number) => {
    const noise = `${index}-${"x".repeat(index % 40)}`;
    const other = { ...header, serviceId: `svc${index}` };
    await post(network, network.sign(other, noise));
    await post(network, sign(), { headers: { "rpc-type": noise } });
    await post(network, network.sign({ ...header, sessionId: `${index}`.padStart(64, "0") }, noise));
    const { meta, ...rest } = sign();
    await post(network, { ...rest, meta: { ...meta, supplierOperatorAddress: `pokt1${noise}` } });
    await fetch(`${network.url}/${noise}`, { method: "POST", body: noise });
  };
  await strange(0);
  const before = ours(await scrape());
  for (let index = 1; index <= 40; index++) await strange(index);
  const after = ours(await scrape());
  expect(after.length).toBe(before.length);
  const values = (label: string) => new Set(after.flatMap(({ labels }) => labels[label] ?? []));
  expect([...values("service_id")].sort(byText)).toEqual(["kit-svc", "unknown"]);
  expect([...values("rpc_type")].sort(byText)).toEqual(["jsonrpc", "unknown"]);
  expect([...values("supplier")]).toEqual([network.supplier.address]);
  for (const reason of values("reason")) expect(Object.keys(REJECTS)).toContain(reason);
  const known = new Set(["service_id", "rpc_type", "supplier", "reason", "status_code", "outcome", "result"]);
  const bounded = new Set([...known, "mode", "le", "cache_type", "level", "operation"]);
  for (const label of ["place", "quantile", "verifier", "signer"]) bounded.add(label);
  // As many as the transports, or as the configuration has endpoints and identities.
  for (const label of [
    "protocol",
    "transport",
    "endpoint",
    "direction",
    "code",
    "state",
    "key_id",
    "trigger",
  ])
    bounded.add(label);
  for (const { labels } of after)
    for (const label of Object.keys(labels)) expect([...bounded]).toContain(label);
});
