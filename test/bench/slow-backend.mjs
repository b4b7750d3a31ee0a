// One service's backend is slow: what that takes from another service, and what becomes of the slow one's relays.
// Usage: npm run bench:slow -- [--help]
import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { serviceOf } from "./chain.mjs";
import { startChild } from "./child.mjs";
import { configOf } from "./flags.mjs";
import { openLoad } from "./load.mjs";
import { median, round3 } from "./numbers.mjs";
import { fillPage } from "./page.mjs";
import { machine } from "./tasks.mjs";

const HELP = `A fast service at a fixed rate: alone, beside another one under load whose backend answers at once, and beside the same load
when that backend is slow. Windows take turns; relays are signed before a window begins.

node test/bench/slow-backend.mjs [options]
  --rps <n>          offered to the slow service (1000)
  --delay-ms <n>     of its backend (500)
  --fast-rps <n>     offered to the fast service (200)
  --connections <n>  the slow backend's, a list: a run for each (800,500,100)
  --seconds <n>      of a window (30)
  --runs <n>         windows of each kind (3)
  --config key=value of the relayer's YAML; may be given again
  --semi-space <MiB> of the relayer's young generation, instead of its own (8)
  --json <file>      keeps the result
  --page <file>      writes the tables into that page
`;
/** What the fast service's p99 may lose to the other one's slowness. */
const ALLOWED = 1.2;
/** Services of the bench are named after modes; here both are eager, and the second one is slow. */
const [FAST, SLOW] = ["eager", "optimistic"];
const KINDS = ["alone", "beside the same load, answered at once", "beside the slow backend"];
/** Relays that may be on their way to the slow service: as many as are due in two seconds. */
const SECONDS_IN_FLIGHT = 2;
/** As seldom as anyone asks for metrics. */
const POLL_MS = 2_000;
/** The other service is under load for so long before the fast one is measured: its first connections are made, and its first answers are there. */
const LEAD_SECONDS = 2;

/** { connections, rows, queue }: the fast service by kind of window, and the slow backend's saturation. */
export async function measureSlow(given) {
  const { rps, delayMs, fastRps, connections, seconds, runs, semiSpace, config } = given;
  const backend = await startChild("backend.mjs");
  let load;
  try {
    const port = await backend.call("listen", { answerBytes: 300 });
    const slow = `services.${serviceOf(SLOW)}`;
    load = await openLoad({
      ...{ modes: [FAST, SLOW], seconds, warmSeconds: 6, ...(semiSpace && { semiSpace }) },
      config: {
        [`${slow}.validation_mode`]: "eager",
        [`${slow}.backends.jsonrpc.url`]: `http://127.0.0.1:${port}`,
        [`${slow}.pool_profile`]: "slow",
        "pool_profiles.slow.max_conns_per_host": connections,
        ...config,
      },
    });
    const besideSlow = async () => {
      const loader = load.loaders[SLOW];
      const all = seconds + LEAD_SECONDS;
      await loader.call("sign", { count: Math.ceil(all * rps) + 1 });
      return () => loader.call("load", { connections: rps * SECONDS_IN_FLIGHT, seconds: all, rps });
    };
    const windows = KINDS.map(() => []);
    for (let run = 0; run < runs; run++)
      for (const [kind, list] of windows.entries()) {
        await backend.call("delay", { ms: kind === 2 ? delayMs : 0 });
        const beside = kind === 0 ? undefined : await besideSlow();
        list.push(
          await watched(load, () => load.window(FAST, { rps: fastRps, beside, leadSeconds: LEAD_SECONDS })),
        );
      }
    return { ...given, machine: machine(), rows: rowsOf(windows), queue: queueOf(windows[2], seconds) };
  } finally {
    await load?.close();
    await backend.close();
  }
}

const LABELS = `{service_id="${serviceOf(SLOW)}",rpc_type="jsonrpc"`;

/** A window, with the slow backend's gauges looked at meanwhile and its counters before and after. */
async function watched({ world }, measure) {
  const [relayer] = world.relayers;
  const most = { inFlight: 0, waiting: 0 };
  const counters = async () => {
    const metrics = await relayer.metrics();
    const of = (name, more = "") => metrics.get(`ha_relayer_${name}${LABELS}${more}}`) ?? 0;
    most.inFlight = Math.max(most.inFlight, of("http_pool_in_flight"));
    most.waiting = Math.max(most.waiting, of("http_pool_waiting"));
    return {
      waited: of("http_pool_wait_seconds_count"),
      waitedSeconds: of("http_pool_wait_seconds_sum"),
      full: of("backend_shed_total", ',reason="full"'),
      late: of("backend_shed_total", ',reason="late"'),
    };
  };
  const before = await counters();
  const over = new AbortController();
  const polling = (async () => {
    while (!over.signal.aborted) {
      await sleep(POLL_MS);
      await counters();
    }
  })();
  const window = await measure();
  over.abort();
  await polling;
  const after = await counters();
  const grown = Object.fromEntries(Object.entries(after).map(([key, value]) => [key, value - before[key]]));
  return { ...window, pool: { ...most, ...grown } };
}

function rowsOf(windows) {
  const rows = windows.map((list, kind) => {
    const middle = (pick) => round3(median(list.map(pick)));
    return {
      name: KINDS[kind],
      rps: middle(({ rps }) => rps),
      p50: middle(({ latencyMs }) => latencyMs.p50),
      p99: middle(({ latencyMs }) => latencyMs.p99),
      p99s: list.map(({ latencyMs }) => round3(latencyMs.p99)),
      refused: list.reduce((sum, { statuses, good }) => sum + total(statuses) - good, 0),
    };
  });
  // Within each turn, so that what the machine does meanwhile is in both.
  const factor = (pick) =>
    round3(median(windows[2].map((window, run) => pick(window) / pick(windows[1][run]))));
  const factors = {
    p50: factor(({ latencyMs }) => latencyMs.p50),
    p99: factor(({ latencyMs }) => latencyMs.p99),
  };
  return { kinds: rows, factors, isHarmed: factors.p99 > ALLOWED };
}

/** What became of the slow service's relays. */
function queueOf(list, seconds) {
  const middle = (pick) => round3(median(list.map(pick)));
  const most = (pick) => Math.max(...list.map(pick));
  return {
    offered: middle(({ beside }) => (total(beside.statuses) + beside.behind) / (seconds + LEAD_SECONDS)),
    served: middle(({ beside }) => beside.good / (seconds + LEAD_SECONDS)),
    statuses: list[0].beside.statuses,
    p50: middle(({ beside }) => beside.latencyMs.p50),
    p99: middle(({ beside }) => beside.latencyMs.p99),
    inFlight: most(({ pool }) => pool.inFlight),
    waiting: most(({ pool }) => pool.waiting),
    waited: middle(({ pool }) => pool.waited),
    meanWaitMs: middle(({ pool }) => (pool.waited === 0 ? 0 : (1000 * pool.waitedSeconds) / pool.waited)),
    full: middle(({ pool }) => pool.full),
    late: middle(({ pool }) => pool.late),
  };
}

const total = (statuses) => Object.values(statuses).reduce((sum, count) => sum + count, 0);

/** As tables of the page and of the terminal. */
function tableOf({ connections, rps, delayMs, fastRps, seconds, runs, rows, queue }) {
  const { kinds, factors, isHarmed } = rows;
  const spread = (list) => `${Math.min(...list)} to ${Math.max(...list)}`;
  const fast = kinds.map(
    ({ name, rps: rate, p50, p99, p99s, refused }) =>
      `| ${name} | ${Math.round(rate)} | ${p50} ms | ${p99} ms | ${spread(p99s)} | ${refused} |`,
  );
  const answers = Object.entries(queue.statuses).map(([status, count]) => `${count} × ${status}`);
  return [
    `**${connections} connections**: ${rps} relays a second for a backend of ${delayMs} ms, ${fastRps} for the fast one; ${runs} windows of ${seconds} s each.`,
    "",
    "| fast service | relays a second | p50 | p99 | p99 of the windows, ms | refused |",
    "|---|---|---|---|---|---|",
    ...fast,
    "",
    `What the slowness adds: p50 × ${factors.p50}, p99 × ${factors.p99}; within 20 %: ${isHarmed ? "**no**" : "yes"}.`,
    "",
    "| slow service: offered | served | its answers in a window | p50, p99 of those served | most in flight, most waiting | waited, mean | line full | waited too long |",
    "|---|---|---|---|---|---|---|---|",
    `| ${[
      Math.round(queue.offered),
      Math.round(queue.served),
      answers.join(", "),
      `${Math.round(queue.p50)} ms, ${Math.round(queue.p99)} ms`,
      `${queue.inFlight}, ${queue.waiting}`,
      `${queue.waited}, ${Math.round(queue.meanWaitMs)} ms`,
      queue.full,
      queue.late,
    ].join(" | ")} |`,
  ].join("\n");
}

async function main() {
  const text = { type: "string" };
  const names = [
    "rps",
    "delay-ms",
    "fast-rps",
    "connections",
    "seconds",
    "runs",
    "semi-space",
    "json",
    "page",
  ];
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries(names.map((name) => [name, text])),
      config: { ...text, multiple: true },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return console.log(HELP);
  const results = [];
  for (const connections of (values.connections ?? "800,500,100").split(","))
    results.push(
      await measureSlow({
        rps: Number(values.rps ?? 1000),
        delayMs: Number(values["delay-ms"] ?? 500),
        fastRps: Number(values["fast-rps"] ?? 200),
        connections: Number(connections),
        seconds: Number(values.seconds ?? 30),
        runs: Number(values.runs ?? 3),
        semiSpace: values["semi-space"],
        config: configOf(values.config),
      }),
    );
  const tables = results.map(tableOf).join("\n\n");
  console.log(tables);
  if (values.json) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
  if (values.page) fillPage(values.page, "slow", tables);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
