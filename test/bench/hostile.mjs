// Good traffic alone, and beside clients that are slow, oversized or malformed: what they take from it.
// Usage: node test/bench/hostile.mjs [--kinds list] [--connections n] [--seconds n] [--runs n] [--rps n] [--page file]
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { startChild } from "./child.mjs";
import { HOSTILE } from "./hostile-clients.mjs";
import { openLoad } from "./load.mjs";
import { median, round3 } from "./numbers.mjs";
import { fillPage } from "./page.mjs";

/** What good traffic's p99 may become, as a factor. */
const ALLOWED = 2;

/** A row for each kind: medians of p50 and p99, and of the factors to the windows before and after. */
export async function measureHostile({ kinds, connections, seconds, runs, rps, warmSeconds }) {
  const load = await openLoad({ modes: ["eager"], seconds, ...(warmSeconds && { warmSeconds }) });
  const clients = await startChild("hostile-clients.mjs");
  const { url } = load.world.relayers[0];
  const window = () => load.window("eager", { rps });
  try {
    const rows = [];
    for (const kind of kinds) {
      const seen = [];
      let before = await window();
      for (let run = 0; run < runs; run++) {
        await clients.call("start", { kind, url, connections });
        const beside = await window();
        const { sent, closed } = await clients.call("stop");
        const after = await window();
        const alone = (before.latencyMs.p99 + after.latencyMs.p99) / 2;
        seen.push({
          alone,
          p99: beside.latencyMs.p99,
          factor: beside.latencyMs.p99 / alone,
          sent,
          closed,
          lost: lostOf(beside),
        });
        before = after;
      }
      const middle = (pick) => round3(median(seen.map(pick)));
      rows.push({
        kind,
        alone: middle((one) => one.alone),
        p99: middle((one) => one.p99),
        factor: middle((one) => one.factor),
        lost: seen.reduce((sum, one) => sum + one.lost, 0),
        sent: middle((one) => one.sent),
        closed: middle((one) => one.closed),
      });
    }
    return { rows, connections, seconds, runs, rps };
  } finally {
    await clients.close();
    await load.close();
  }
}

const lostOf = ({ statuses, good }) => Object.values(statuses).reduce((sum, count) => sum + count, 0) - good;

function tableOf({ rows, connections, seconds, runs, rps }) {
  const lines = rows.map(
    ({ kind, alone, p99, factor, lost, sent, closed }) =>
      `| ${kind} | ${alone} ms | ${p99} ms | ${factor} | ${lost} | ${sent} | ${closed} | ${factor < ALLOWED && lost === 0 ? "yes" : "**no**"} |`,
  );
  return [
    `Eager, good traffic of ${rps} relays a second, ${connections} hostile connections kept open; medians of ${runs} windows of ${seconds} s, factors to the windows before and after.`,
    "",
    "| beside | p99 alone | p99 beside | factor | good relays lost | hostile connections made | closed by the relayer | below 2 |",
    "|---|---|---|---|---|---|---|---|",
    ...lines,
  ].join("\n");
}

async function main() {
  const text = { type: "string" };
  const names = ["kinds", "connections", "seconds", "runs", "rps", "page"];
  const { values } = parseArgs({ options: Object.fromEntries(names.map((name) => [name, text])) });
  const result = await measureHostile({
    kinds: values.kinds?.split(",") ?? Object.keys(HOSTILE),
    connections: Number(values.connections ?? 1_000),
    seconds: Number(values.seconds ?? 5),
    runs: Number(values.runs ?? 3),
    rps: Number(values.rps ?? 150),
  });
  console.log(tableOf(result));
  if (values.page)
    fillPage(values.page, "hostile", tableOf(result), "npm run bench:hostile -- --page docs/performance.md");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
