// Good traffic alone, and beside floods of hostile relays: what the flood takes from it.
// Usage: node test/bench/flood.mjs [--help]
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { startChild } from "./child.mjs";
import { configOf } from "./flags.mjs";
import { FLOODS } from "./flood-requests.mjs";
import { openLoad, planOf } from "./load.mjs";
import { median, round3 } from "./numbers.mjs";
import { fillPage } from "./page.mjs";
import { machine } from "./tasks.mjs";

const HELP = `Good traffic of 20 applications, alone and beside floods from another application, in turn: at a fixed rate, and at
saturation.

node test/bench/flood.mjs [options]
  --kinds <list>     of ${FLOODS.join(", ")} (all)
  --mode <m>         eager or optimistic (eager)
  --part <n>         good traffic as a part of the measured saturation (0.2)
  --flood-rps <n>    hostile relays a second (a tenth of saturation)
  --seconds <n>      of a window (4)
  --runs <n>         windows of each kind (3)
  --config key=value of the relayer's YAML; may be given again
  --json <file>      keeps the result
  --page <file>      writes the table into that page
`;
/** What good traffic may lose beside a flood. */
const ALLOWED = 1.25;
const CONNECTIONS = 32;

/** { saturationRps, goodRps, floodRps, rows } with a row for each kind: medians, and factors to the windows alone. */
export async function measureFlood({ mode, part, floodRps, seconds, runs, kinds, config }) {
  const load = await openLoad({ modes: [mode], strangers: 1, seconds, config });
  const flooders = {};
  try {
    const saturation = [await load.window(mode), await load.window(mode)].map(({ rps }) => rps);
    const saturationRps = median(saturation);
    const goodRps = saturationRps * part;
    const rate = floodRps ?? saturationRps / 10;
    const stranger = load.world.chain.sessions[mode].slice(-1);
    for (const kind of kinds) {
      flooders[kind] = await startChild("loader.mjs");
      await flooders[kind].call("open", planOf(load, { sessions: stranger, kind }));
    }
    const alone = async () => ({
      ...(await load.window(mode, { rps: goodRps })),
      most: await load.window(mode),
    });
    const windows = { alone: [await alone()], ...Object.fromEntries(kinds.map((kind) => [kind, []])) };
    for (let run = 0; run < runs; run++)
      for (const kind of kinds) {
        const before = windows.alone.at(-1);
        const window = await flooded(load, { mode, goodRps, rate, seconds, flooder: flooders[kind] });
        windows.alone.push(await alone());
        windows[kind].push({ ...window, factors: factorsOf(window, before, windows.alone.at(-1)) });
      }
    return {
      machine: machine(),
      mode,
      seconds,
      runs,
      saturationRps,
      goodRps,
      floodRps: rate,
      rows: rowsOf(windows),
    };
  } finally {
    for (const flooder of Object.values(flooders)) await flooder.close();
    await load.close();
  }
}

/** A window at the fixed rate, and as `most` one at saturation. */
async function flooded(load, { mode, goodRps, rate, seconds, flooder }) {
  const beside = async () => {
    await flooder.call("sign", { count: Math.ceil(seconds * rate) + 1 });
    return () => flooder.call("load", { connections: CONNECTIONS, seconds, rps: rate });
  };
  const window = await load.window(mode, { rps: goodRps, beside: await beside() });
  return { ...window, most: await load.window(mode, { beside: await beside() }) };
}

/** To the windows alone before and after it: what the machine does meanwhile is in both. */
function factorsOf(window, before, after) {
  const factor = (pick) => (2 * pick(window)) / (pick(before) + pick(after));
  return {
    rps: factor(({ rps }) => rps),
    most: factor(({ most }) => most.rps),
    p50: factor(({ latencyMs }) => latencyMs.p50),
    p99: factor(({ latencyMs }) => latencyMs.p99),
  };
}

const rowsOf = (windows) => Object.entries(windows).map(([name, list]) => rowOf(name, list));

function rowOf(name, list) {
  const middle = (pick) => round3(median(list.map(pick)));
  const row = {
    name,
    rps: middle(({ rps }) => rps),
    p50: middle(({ latencyMs }) => latencyMs.p50),
    p99: middle(({ latencyMs }) => latencyMs.p99),
    most: middle(({ most }) => most.rps),
    refused: list.reduce((sum, { statuses, good }) => sum + total(statuses) - good, 0),
  };
  if (name === "alone") return row;
  const factors = {
    rps: middle((window) => window.factors.rps),
    most: middle((window) => window.factors.most),
    p50: middle((window) => window.factors.p50),
    p99: middle((window) => window.factors.p99),
  };
  return {
    ...row,
    factors,
    isHarmed: Math.min(factors.rps, factors.most) < 1 / ALLOWED || factors.p50 > ALLOWED,
    floodRps: middle(({ beside, seconds }) => total(beside.statuses) / seconds),
    floodAnswers: list[0].beside.statuses,
  };
}

const total = (statuses) => Object.values(statuses).reduce((sum, count) => sum + count, 0);

const HEAD =
  "| good traffic | relays a second | p50 | p99 | at saturation | good relays refused | factors: rate, p50, p99, saturation | flood a second | its answers by status | within 25 % |";

/** As a table of the page and of the terminal. */
function tableOf({ rows, mode, saturationRps, goodRps, floodRps, seconds, runs }) {
  const whole = Math.round;
  const intro = `${mode}; saturation ${whole(saturationRps)} relays a second, good traffic ${whole(goodRps)}, flood ${whole(floodRps)}; medians of ${runs} windows of ${seconds} s each, factors to the windows alone before and after.`;
  const lines = rows.map((row) => `| ${cellsOf(row).join(" | ")} |`);
  return [intro, "", HEAD, "|---|---|---|---|---|---|---|---|---|---|", ...lines].join("\n");
}

function cellsOf({ name, rps, p50, p99, most, refused, factors, floodRps, floodAnswers, isHarmed }) {
  const good = [Math.round(rps), `${p50} ms`, `${p99} ms`, Math.round(most), refused];
  if (factors === undefined) return [name, ...good, "", "", "", ""];
  const answers = Object.entries(floodAnswers).map(([status, count]) => `${count} × ${status}`);
  const flood = [
    `${factors.rps}, ${factors.p50}, ${factors.p99}, ${factors.most}`,
    Math.round(floodRps),
    answers.join(", "),
  ];
  return [`beside ${name}`, ...good, ...flood, isHarmed ? "**no**" : "yes"];
}

async function main() {
  const text = { type: "string" };
  const names = ["kinds", "mode", "part", "flood-rps", "seconds", "runs", "json", "page"];
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries(names.map((name) => [name, text])),
      config: { ...text, multiple: true },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return console.log(HELP);
  const result = await measureFlood({
    mode: values.mode ?? "eager",
    part: Number(values.part ?? 0.2),
    floodRps: values["flood-rps"] === undefined ? undefined : Number(values["flood-rps"]),
    seconds: Number(values.seconds ?? 4),
    runs: Number(values.runs ?? 3),
    kinds: values.kinds?.split(",") ?? FLOODS,
    config: configOf(values.config),
  });
  console.log(tableOf(result));
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
  if (values.page) fillPage(values.page, "flood", tableOf(result));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
