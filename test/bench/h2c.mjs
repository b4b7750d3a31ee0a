// Relays as streams of HTTP/2, many at once on few connections, at full validation.
// Usage: node test/bench/h2c.mjs [--seconds n] [--streams n] [--connections n] [--json file] [--page file]
import { writeFileSync } from "node:fs";
import { connect } from "node:http2";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { DEFAULTS, planOf } from "./load.mjs";
import { fillPage } from "./page.mjs";
import { openSigners } from "./requests.mjs";
import { openWorld } from "./world.mjs";

/** Relays that are signed and sent at a time. */
const BATCH = 4_000;
const MIB = 1_048_576;
const HEAD_END = "\r\n\r\n";

/** { streams, connections, seconds, relays, statuses, rps, p50, p99, rssMiB } where `seconds` is time under load; memory after each batch. */
export async function measureH2c({ seconds, streams, connections, batch = BATCH }) {
  const settings = { ...DEFAULTS, modes: ["eager"] };
  const world = await openWorld(settings);
  const [{ url }] = world.relayers;
  const { urls, ...plan } = planOf({ settings, world }, { sessions: world.chain.sessions.eager });
  const signers = openSigners(plan);
  const sessions = Array.from({ length: connections }, () => connect(urls[0] ?? url));
  const seen = { statuses: {}, latencies: [], loaded: 0, rss: [] };
  try {
    await Promise.all(sessions.map((session) => new Promise((resolve) => session.once("connect", resolve))));
    for (let from = 0; seen.loaded < seconds * 1000 || seen.rss.length < 3; from += batch) {
      const { wires } = await signers.make(from, batch);
      const relays = wires.map((wire) => wire.subarray(wire.indexOf(HEAD_END) + HEAD_END.length));
      const isWarmUp = from === 0;
      await send(relays, { sessions, streams: isWarmUp ? 50 : streams, seen: isWarmUp ? undefined : seen });
      await world.trim();
      seen.rss.push(world.residentBytes() / MIB);
      world.check();
    }
    return resultOf(seen, { streams, connections });
  } finally {
    for (const session of sessions) session.destroy();
    await signers.close();
    await world.close();
  }
}

async function send(relays, { sessions, streams, seen }) {
  const start = performance.now();
  let next = 0;
  const worker = async (_, index) => {
    while (next < relays.length) {
      const relay = relays[next++];
      const begun = performance.now();
      const status = await ask(sessions[index % sessions.length], relay);
      if (seen === undefined) continue;
      seen.statuses[status] = (seen.statuses[status] ?? 0) + 1;
      seen.latencies.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: streams }, worker));
  if (seen !== undefined) seen.loaded += performance.now() - start;
}

const ask = (session, relay) =>
  new Promise((resolve) => {
    const stream = session.request({ ":method": "POST", ":path": "/", "rpc-type": "3" });
    let status = "broken";
    stream.on("response", (headers) => {
      status = headers[":status"];
    });
    stream.on("error", () => undefined);
    stream.on("close", () => resolve(status));
    stream.resume();
    stream.end(relay);
  });

function resultOf({ statuses, latencies, loaded, rss }, how) {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (part) => Math.round(sorted[Math.floor(sorted.length * part)]);
  return {
    ...how,
    seconds: Math.round(loaded / 1000),
    relays: latencies.length,
    statuses,
    rps: Math.round((latencies.length * 1000) / loaded),
    p50: at(0.5),
    p99: at(0.99),
    rssMiB: rss.map(Math.round),
  };
}

function textOf({ streams, connections, seconds, relays, statuses, rps, p50, p99, rssMiB }) {
  const answers = Object.entries(statuses).map(([status, count]) => `${count} × ${status}`);
  return `Eager, ${streams} streams at once on ${connections} connections of HTTP/2 without TLS, ${seconds} s under load: ${relays} relays, ${answers.join(", ")}; ${rps} relays a second, p50 ${p50} ms, p99 ${p99} ms. Resident memory ${rssMiB[1]} MiB after the first batch under load, ${rssMiB.at(-1)} MiB after the last, ${Math.max(...rssMiB)} MiB at most.`;
}

async function main() {
  const text = { type: "string" };
  const names = ["seconds", "streams", "connections", "json", "page"];
  const { values } = parseArgs({ options: Object.fromEntries(names.map((name) => [name, text])) });
  const result = await measureH2c({
    seconds: Number(values.seconds ?? 60),
    streams: Number(values.streams ?? 1_000),
    connections: Number(values.connections ?? 10),
  });
  console.log(textOf(result));
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
  if (values.page) fillPage(values.page, "h2c", textOf(result));
  if (Object.keys(result.statuses).some((status) => status !== "200")) process.exitCode = 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
