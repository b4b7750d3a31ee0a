// How the relayer's rate and latency go with connections, body size, ring size, applications, suppliers and processes.
// Usage: node test/bench/curves.mjs [--help]
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { openLoad } from "./load.mjs";
import { modelOf } from "./model.mjs";
import { round3 } from "./numbers.mjs";
import { fillPage } from "./page.mjs";
import { machine } from "./tasks.mjs";

/** What is changed, one at a time, from the bench's defaults: what it is called, which setting, its values. */
const CURVES = {
  connections: { title: "requests in flight", values: [1, 4, 16, 32, 128, 512] },
  body: { title: "bytes of the request inside", values: [200, 2_000, 16_384, 131_072, 1_048_576] },
  ring: { title: "members of the ring", values: [2, 3, 5, 8] },
  applications: { title: "applications in turn", values: [1, 20, 200, 2_000] },
  suppliers: { title: "suppliers held", values: [1, 15, 100, 500] },
  processes: { title: "relayer processes", values: [1, 2] },
};

const HELP = `Curves of the relayer under load, a point for each value, and a model of a larger machine from what a relay cost here.

node test/bench/curves.mjs [options]
  --only <list>   of ${Object.keys(CURVES).join(", ")} (all)
  --mode <m>      eager or optimistic (eager)
  --seconds <n>   of a point (3)
  --json <file>   keeps the points
  --page <file>   writes tables and model into that page
`;

/** { machine, mode, curves: name → points, model }; a point is a window's figures with the value that was set. */
export async function measureCurves({ names, mode, seconds }) {
  const curves = {};
  for (const name of names) {
    curves[name] = [];
    const points = name === "connections" ? connectionPoints : worldPoints;
    for await (const point of points(name, { mode, seconds })) {
      console.error(`${name} ${point.value}: ${Math.round(point.rps)} relays a second`);
      curves[name].push(point);
    }
  }
  const [typical] = Object.values(curves).flatMap((points) => points.filter(({ isDefault }) => isDefault));
  return { machine: machine(), mode, seconds, curves, model: typical && modelOf(typical) };
}

/** Connections are the loader's: one world does for all. */
async function* connectionPoints(name, { mode, seconds }) {
  const load = await openLoad({ modes: [mode], seconds });
  try {
    for (const value of CURVES[name].values) {
      const window = await load.window(mode, { connections: value });
      yield pointOf(value, window, { isDefault: value === 32 });
    }
  } finally {
    await load.close();
  }
}

async function* worldPoints(name, { mode, seconds }) {
  for (const value of CURVES[name].values) {
    const load = await openLoad({ modes: [mode], seconds, [name]: value });
    try {
      yield pointOf(value, await load.window(mode), { isDefault: false });
    } finally {
      await load.close();
    }
  }
}

function pointOf(value, window, { isDefault }) {
  const { rps, latencyMs, cpuUs, mainUs, redisUs, v, statuses, good, seconds, relayBytes, rssBytes } = window;
  const others = Object.values(statuses).reduce((sum, count) => sum + count, 0) - good;
  return {
    ...{ value, isDefault, rps, p50: latencyMs.p50, p99: latencyMs.p99, cpuUs, mainUs, redisUs, v, others },
    ...{ seconds, relayBytes, rssMB: rssBytes.after / 1e6, loaderPart: window.loaderCpu / seconds / 1e6 },
  };
}

const HEAD = "relays a second | p50 ms | p99 ms | CPU a relay | event loop | Redis | RSS MB | not 200 |";

function tableOf(name, points) {
  const lines = points.map((point) => {
    const ratio = (microseconds) => `${round3(microseconds / point.v)} V`;
    const cells = [
      ...[point.value, Math.round(point.rps), round3(point.p50), round3(point.p99)],
      ...[`${Math.round(point.cpuUs)} µs, ${ratio(point.cpuUs)}`, ratio(point.mainUs), ratio(point.redisUs)],
      ...[Math.round(point.rssMB), point.others],
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [`| ${CURVES[name].title} | ${HEAD}`, "|---|---|---|---|---|---|---|---|---|", ...lines].join("\n");
}

const textOf = ({ curves, mode, seconds }) =>
  [
    `${mode}; a window of ${seconds} s a point, one window each.`,
    ...Object.entries(curves).map(([name, points]) => tableOf(name, points)),
  ].join("\n\n");

async function main() {
  const text = { type: "string" };
  const names = ["only", "mode", "seconds", "json", "page"];
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries(names.map((name) => [name, text])),
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return console.log(HELP);
  const result = await measureCurves({
    names: values.only?.split(",") ?? Object.keys(CURVES),
    mode: values.mode ?? "eager",
    seconds: Number(values.seconds ?? 3),
  });
  console.log(textOf(result));
  if (result.model) console.log(`\n${result.model.text}`);
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
  if (!values.page) return;
  fillPage(values.page, "curves", textOf(result));
  if (result.model) fillPage(values.page, "model", result.model.text);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
