// Steady load for a long time: does memory grow, does latency, does the event loop fall behind.
// Usage: node test/bench/soak.mjs [--help]
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { configOf } from "./flags.mjs";
import { openLoad } from "./load.mjs";
import { median, round3 } from "./numbers.mjs";
import { fillPage } from "./page.mjs";
import { machine } from "./tasks.mjs";

const HELP = `The relayer at a part of its saturation for minutes, in windows of 10 s, back to back.

Every window sends the same relays, signed before: the relayer is told not to look for replays (relay.replays: off), so each is served,
metered and stored as a new one. The streams in Redis are emptied after each window, as a miner would.

node test/bench/soak.mjs [options]
  --minutes <n>      (30)
  --mode <m>         eager or optimistic (eager)
  --part <n>         of the measured saturation (0.7)
  --rps <n>          relays a second instead
  --config key=value of the relayer's YAML; may be given again
  --json <file>      keeps every window
  --page <file>      writes the paragraph into that page
`;
const WINDOW_SECONDS = 10;
/** Of the beginning, in which caches and heaps still fill. */
const SETTLING_MINUTES = 5;

const PROGRESS_EVERY = 6;
/** Fewer windows than that make no line. */
const ENOUGH_WINDOWS = 30;

/** { samples, slope, ... }: a sample for each window, and what has become of RSS and p99. */
export async function measureSoak({ minutes, mode, part, rps, config }) {
  const seconds = Math.min(WINDOW_SECONDS, minutes * 20);
  // The same relays are sent in every window.
  const load = await openLoad({ modes: [mode], seconds: 5, config: { "relay.replays": "off", ...config } });
  try {
    const saturation = [await load.window(mode), await load.window(mode)].map((window) => window.rps);
    const rate = rps ?? median(saturation) * part;
    const start = performance.now();
    const samples = [];
    while (performance.now() - start < minutes * 60_000) {
      const again = samples.length > 0;
      const window = await load.window(mode, { seconds, rps: rate, again });
      samples.push(sampleOf(window, (performance.now() - start) / 60_000, load.world));
      if (samples.length % PROGRESS_EVERY === 0) console.error(progressOf(samples.at(-1)));
    }
    const settled = samples.filter(({ minute }) => minute > Math.min(SETTLING_MINUTES, minutes / 6));
    return { machine: machine(), mode, minutes, seconds, rps: rate, samples, ...summaryOf(settled, samples) };
  } finally {
    await load.close();
  }
}

const progressOf = ({ minute, rps, p99, rssMB, loopDelayP99Ms }) =>
  `${minute.toFixed(1)} min: ${Math.round(rps)} relays a second, p99 ${p99.toFixed(1)} ms, RSS ${rssMB.toFixed(0)} MB, event loop p99 ${loopDelayP99Ms.toFixed(1)} ms`;

function sampleOf(window, minute, world) {
  const { latencyMs, rps, cpuUs, v, statuses, good, behind, rssBytes, loopDelayP99Ms } = window;
  const refused = Object.values(statuses).reduce((sum, count) => sum + count, 0) - good;
  return {
    ...{ minute, rps, good, refused, behind, p50: latencyMs.p50, p99: latencyMs.p99, cpuRatio: cpuUs / v },
    ...{ loopDelayP99Ms, rssMB: rssBytes.after / 1e6, redisMB: world.redisBytes() / 1e6 },
  };
}

/** RSS after the settling time as a line of least squares; p99 of the first and of the last third. */
function summaryOf(settled, all) {
  const third = Math.max(1, Math.floor(settled.length / 3));
  const p99 = (list) => median(list.map((sample) => sample.p99));
  const total = (name) => all.reduce((sum, sample) => sum + sample[name], 0);
  return {
    ...{ served: total("good"), refused: total("refused"), behind: total("behind") },
    rssMBPerHour: slopeOf(settled.map(({ minute, rssMB }) => [minute / 60, rssMB])),
    rssMB: {
      first: settled[0].rssMB,
      last: settled.at(-1).rssMB,
      max: Math.max(...all.map(({ rssMB }) => rssMB)),
    },
    redisMB: Math.max(...all.map(({ redisMB }) => redisMB)),
    p99Ms: { firstThird: p99(settled.slice(0, third)), lastThird: p99(settled.slice(-third)) },
    loopDelayP99Ms: median(settled.map(({ loopDelayP99Ms }) => loopDelayP99Ms)),
    cpuRatio: median(settled.map(({ cpuRatio }) => cpuRatio)),
  };
}

/** Undefined for too few points: the garbage collector's ups and downs are not growth. */
function slopeOf(points) {
  if (points.length < ENOUGH_WINDOWS) return undefined;
  const mean = (place) => points.reduce((sum, point) => sum + point[place], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const over = points.reduce((sum, [left, right]) => sum + (left - x) * (right - y), 0);
  const under = points.reduce((sum, [left]) => sum + (left - x) ** 2, 0);
  return over / under;
}

function textOf(soak) {
  const { minutes, mode, rps, served, refused, behind, rssMB, rssMBPerHour, redisMB, p99Ms } = soak;
  const growth =
    rssMBPerHour === undefined
      ? "too short a time to see growth"
      : `its line of least squares rises by ${round3(rssMBPerHour)} MB an hour`;
  return [
    `${minutes} minutes of ${mode} at ${Math.round(rps)} relays a second: ${served} served and stored, ${refused} refused, ${behind} not sent in time.`,
    `RSS ${round3(rssMB.first)} MB after settling, ${round3(rssMB.last)} MB at the end, ${round3(rssMB.max)} MB at most; ${growth}.`,
    `p99 (median of the windows) ${round3(p99Ms.firstThird)} ms in the first third, ${round3(p99Ms.lastThird)} ms in the last; p99 of the event loop's delay ${round3(soak.loopDelayP99Ms)} ms; ${round3(soak.cpuRatio)} V of CPU a relay.`,
    `redis-server had ${round3(redisMB)} MB at most. The relays are sent again in every window, and the streams emptied after it.`,
  ].join("\n");
}

async function main() {
  const text = { type: "string" };
  const names = ["minutes", "mode", "part", "rps", "json", "page"];
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries(names.map((name) => [name, text])),
      config: { ...text, multiple: true },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return console.log(HELP);
  const minutes = Number(values.minutes ?? 30);
  const soak = await measureSoak({
    minutes,
    mode: values.mode ?? "eager",
    part: Number(values.part ?? 0.7),
    rps: values.rps === undefined ? undefined : Number(values.rps),
    config: configOf(values.config),
  });
  console.log(textOf(soak));
  if (values.json) writeFileSync(values.json, `${JSON.stringify(soak, null, 2)}\n`);
  if (values.page) fillPage(values.page, "soak", textOf(soak));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
