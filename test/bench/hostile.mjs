// Good traffic alone, and beside clients that are slow, oversized or malformed: what they take from it, and what they cost.
// Usage: npm run bench:hostile -- [--help]
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { startChild } from "./child.mjs";
import { HOSTILE } from "./hostile-clients.mjs";
import { openLoad } from "./load.mjs";
import { median, round3 } from "./numbers.mjs";
import { fillPage } from "./page.mjs";

const HELP = `Good relays at a steady rate, alone and beside hostile clients in turn: real processes (redis-server, relayer, backend, loader, clients)
on loopback. For each kind of client: what becomes of the good relays' p99, and the relayer's CPU.

node test/bench/hostile.mjs [options]
  --kinds <list>      of hostile clients, with commas (${Object.keys(HOSTILE).join(", ")})
  --connections <n>   that slow clients keep open, 200 new ones a second; those that flood have four (1000)
  --seconds <n>       of a window (10)
  --runs <n>          windows of each kind (3)
  --rps <n>           good relays a second (150)
  --page <file>       writes the table into this page
  --json <file>       keeps the windows
  --cpu-prof <dir>    a CPU profile of the relayer
`;

/** What good traffic's p99 may become, as a factor. */
const ALLOWED = 2;

/** A row for each kind: medians, with the factors of each window to those before and after it. */
export async function measureHostile({ kinds, connections, seconds, runs, rps, warmSeconds, cpuProf }) {
  const load = await openLoad({
    modes: ["eager"],
    seconds,
    ...(warmSeconds && { warmSeconds }),
    ...(cpuProf && { cpuProf }),
  });
  const clients = await startChild("hostile-clients.mjs");
  const { url } = load.world.relayers[0];
  const window = () => load.window("eager", { rps });
  const besideClients = async (kind, before) => {
    await clients.call("start", { kind, url, connections });
    const beside = await window();
    const made = await clients.call("stop");
    return { before, beside, after: await window(), made };
  };
  try {
    const rows = [];
    for (const kind of kinds) {
      const seen = [];
      for (let run = 0; run < runs; run++)
        seen.push(await besideClients(kind, seen.at(-1)?.after ?? (await window())));
      rows.push(rowOf(kind, seen));
    }
    return { rows, connections, seconds, runs, rps };
  } finally {
    await clients.close();
    await load.close();
  }
}

function rowOf(kind, seen) {
  const alone = (pick) => (one) => (pick(one.before) + pick(one.after)) / 2;
  const p99 = ({ latencyMs }) => latencyMs.p99;
  const factorOf = (one) => p99(one.beside) / alone(p99)(one);
  const middle = (pick) => round3(median(seen.map(pick)));
  return {
    kind,
    alone: middle(alone(p99)),
    p99: middle(({ beside }) => p99(beside)),
    factor: middle(factorOf),
    factors: seen.map(factorOf).map(round3),
    cpuAlone: middle(alone(cpuShare)),
    cpu: middle(({ beside }) => cpuShare(beside)),
    lost: seen.reduce((sum, { beside }) => sum + lostOf(beside), 0),
    made: middle(({ made }) => made.sent),
    closed: middle(({ made }) => made.closed),
  };
}

const lostOf = ({ statuses, good }) => Object.values(statuses).reduce((sum, count) => sum + count, 0) - good;
/** All threads of the relayer, in percent of a core. */
const cpuShare = ({ cpuUs, good, seconds }) => (cpuUs * good) / seconds / 1e4;

function tableOf({ rows, connections, seconds, runs, rps }) {
  const lines = rows.map(
    ({ kind, alone, p99, factor, factors, cpuAlone, cpu, lost, made, closed }) =>
      `| ${kind} | ${alone} ms | ${p99} ms | ${factor} (${Math.min(...factors)} to ${Math.max(...factors)}) | ${Math.round(cpuAlone)} % | ${Math.round(cpu)} % | ${lost} | ${made} | ${closed} | ${factor < ALLOWED && lost === 0 ? "yes" : "**no**"} |`,
  );
  return [
    `Eager, good traffic of ${rps} relays a second; slow clients keep ${connections} connections, 200 new ones a second until they are there, and send a byte a second on each; those that flood have four, and come back when they are closed; medians of ${runs} windows of ${seconds} s, factors to the windows before and after. CPU is the relayer's, all threads, of one core.`,
    "",
    "| beside | p99 alone | p99 beside | factor | CPU alone | CPU beside | good relays lost | hostile connections made | closed by the relayer | below 2 |",
    "|---|---|---|---|---|---|---|---|---|---|",
    ...lines,
  ].join("\n");
}

async function main() {
  const text = { type: "string" };
  const names = ["kinds", "connections", "seconds", "runs", "rps", "page", "json", "cpu-prof"];
  const { values } = parseArgs({
    options: { ...Object.fromEntries(names.map((name) => [name, text])), help: { type: "boolean" } },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const result = await measureHostile({
    kinds: values.kinds?.split(",") ?? Object.keys(HOSTILE),
    connections: Number(values.connections ?? 1_000),
    seconds: Number(values.seconds ?? 10),
    runs: Number(values.runs ?? 3),
    rps: Number(values.rps ?? 150),
    cpuProf: values["cpu-prof"],
  });
  console.log(tableOf(result));
  if (values.json) writeFileSync(values.json, JSON.stringify(result, undefined, 2));
  if (values.page) fillPage(values.page, "hostile", tableOf(result));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
