// The relayer under load: relays a second, latency, CPU a relay as a ratio to V, one native ECDSA verification in the same run.
// Usage: npm run bench:relay -- [--help]
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { configOf } from "./flags.mjs";
import { DEFAULTS, openLoad } from "./load.mjs";
import { figure, median, round3 } from "./numbers.mjs";

const HELP = `The relayer under load: real processes (redis-server, relayer, backend, loader) on loopback, relays that are all different and
signed before the clock starts, answers' signatures checked, and every answered relay found in Redis.

node test/bench/relay.mjs [options]
  --mode <m>          eager, optimistic or both (both)
  --connections <n>   requests in flight (32)
  --applications <n>  whose relays they are, in turn (20)
  --ring <n>          members of a ring: the application and its gateways (2)
  --suppliers <n>     whose keys the relayer holds; at most 15 are in a session (1)
  --processes <n>     relayers, with the connections split over them (1)
  --body <bytes>      of the JSON-RPC request inside; 500 make a relay of 1 KB (500)
  --seconds <n>       of a window (5)
  --runs <n>          windows of each mode, in turn (3)
  --rps <n>           relays due a second, whatever the relayer does; without it as many as it takes
  --config key=value  of the relayer's YAML, such as relay.publish=after_reply; may be given again
  --semi-space <MiB>  of the relayer's young generation, instead of its own (8); Node's is 16
  --cpu-prof <dir>    a CPU profile of each relayer
  --json <file>       keeps the result
`;

/** Windows of all modes in turn. { ratios, figures, windows } */
export async function measureRelay({ runs, rps, ...settings }) {
  const load = await openLoad(settings);
  try {
    const windows = [];
    for (let run = 0; run < runs; run++)
      for (const mode of load.settings.modes) windows.push(await load.window(mode, { rps }));
    return summary(windows, load);
  } finally {
    await load.close();
  }
}

function summary(windows, { settings }) {
  const ratios = {};
  const figures = {};
  for (const mode of settings.modes) {
    const own = windows.filter((window) => window.mode === mode);
    ratios[`relay_cpu_${mode}`] = round3(median(own.map(({ cpuUs, v }) => cpuUs / v)));
    ratios[`relay_main_${mode}`] = round3(median(own.map(({ mainUs, v }) => mainUs / v)));
    ratios[`relay_redis_${mode}`] = round3(median(own.map(({ redisUs, v }) => redisUs / v)));
    const put = (name, unit, of) => {
      figures[`${name}_${mode}`] = figure(unit, own.map(of));
    };
    put("relay_cpu", "us", ({ cpuUs }) => cpuUs);
    put("relay_main", "us", ({ mainUs }) => mainUs);
    put("relay_redis", "us", ({ redisUs }) => redisUs);
    put("relay_rps", "1/s", ({ rps }) => rps);
    for (const part of ["p50", "p90", "p99"]) put(`relay_${part}`, "ms", ({ latencyMs }) => latencyMs[part]);
    put("relay_stored_after", "ms", ({ storedAfterMs }) => storedAfterMs);
    put("relay_rss", "MB", ({ rssBytes }) => rssBytes.after / 1e6);
    put("relay_rss_growth", "MB", ({ rssBytes }) => (rssBytes.after - rssBytes.before) / 1e6);
    put("relay_loop_delay_p99", "ms", ({ loopDelayP99Ms }) => loopDelayP99Ms);
    put("relay_loader_cpu", "%", ({ loaderCpu, seconds }) => loaderCpu / seconds / 1e4);
  }
  figures.relay_V = figure(
    "us",
    windows.map(({ v }) => v),
  );
  return { ratios, figures, windows: windows.map(({ sample, ...window }) => window) };
}

/** Flags to settings. */
function settingsOf(values) {
  const numbers = [
    "connections",
    "applications",
    "ring",
    "suppliers",
    "processes",
    "body",
    "seconds",
    "runs",
    "rps",
  ];
  const settings = Object.fromEntries(
    numbers.filter((name) => values[name] !== undefined).map((name) => [name, Number(values[name])]),
  );
  const modes = values.mode === undefined || values.mode === "both" ? DEFAULTS.modes : [values.mode];
  return {
    runs: 3,
    ...settings,
    modes,
    config: configOf(values.config),
    cpuProf: values["cpu-prof"],
    semiSpace: values["semi-space"],
  };
}

function print(mode, { ratios, figures, windows }) {
  const line = (name, more = "") => {
    const { unit, min, median: middle, max } = figures[`${name}_${mode}`];
    console.log(`  ${name.padEnd(22)} ${middle} ${unit} (${min} to ${max})${more}`);
  };
  const own = windows.filter((window) => window.mode === mode);
  console.log(
    `${mode}: ${own[0].relayBytes} bytes a relay, ${own.length} windows of ${own[0].seconds.toFixed(1)} s`,
  );
  line("relay_rps");
  for (const part of ["p50", "p90", "p99"]) line(`relay_${part}`);
  line("relay_cpu", `, ${ratios[`relay_cpu_${mode}`]} V`);
  line("relay_main", `, ${ratios[`relay_main_${mode}`]} V: the event loop's thread`);
  line("relay_redis", `, ${ratios[`relay_redis_${mode}`]} V: redis-server`);
  for (const name of [
    "relay_stored_after",
    "relay_rss",
    "relay_rss_growth",
    "relay_loop_delay_p99",
    "relay_loader_cpu",
  ])
    line(name);
  const statuses = {};
  for (const { statuses: seen } of own)
    for (const [status, count] of Object.entries(seen)) statuses[status] = (statuses[status] ?? 0) + count;
  const total = (of) => own.reduce((sum, window) => sum + of(window), 0);
  const checked = total(({ signatures }) => signatures.checked);
  console.log(
    `  statuses ${JSON.stringify(statuses)}; stored ${total(({ stored }) => stored)}, above difficulty ${total(({ skipped }) => skipped)}`,
  );
  console.log(`  signatures checked ${checked}, good ${total(({ signatures }) => signatures.good)}`);
}

async function main() {
  const text = { type: "string" };
  const names = ["mode", "connections", "applications", "ring", "suppliers", "processes", "body", "seconds"];
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries(
        [...names, "runs", "rps", "cpu-prof", "semi-space", "json"].map((name) => [name, text]),
      ),
      config: { type: "string", multiple: true },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return console.log(HELP);
  const settings = settingsOf(values);
  const result = await measureRelay(settings);
  const { unit, ...v } = result.figures.relay_V;
  console.log(`V, one native ECDSA verification: ${v.median} ${unit} (${v.min} to ${v.max})`);
  for (const mode of settings.modes) print(mode, result);
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
