// All performance figures, as ratios to V, one native ECDSA verification measured in the same run: medians of interleaved runs.
// Usage: npm run bench -- [--help]
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { ecdsaName } from "../../dist/chain/protocol/ecdsa.js";
import { compareWithBaseline, printComparison, readBaseline, writeBaseline } from "./baseline.mjs";
import { fillPage } from "./page.mjs";
import { PARTS } from "./parts.mjs";
import { targetsText } from "./targets.mjs";
import { machine, printMeasured } from "./tasks.mjs";

const HELP = `Costs of verification, of a relay end to end, of the trie and of the miner, as ratios to one native ECDSA verification.

node test/bench/run.mjs [options]
  --json <file>      keeps ratios and figures
  --runs <n>         rounds of each part (7; with --short 3)
  --short            about a minute: fewer and shorter rounds
  --only <parts>     some of ${Object.keys(PARTS).join(", ")}
  --baseline <file>  exit code 1 if a ratio is more than half as much again as there
  --page <file>      writes the tables into that page
  --write-baseline   writes that file instead; needs --reason "<why>"
`;

const text = { type: "string" };
const flag = { type: "boolean" };
const { values } = parseArgs({
  options: {
    ...{ json: text, runs: text, only: text, page: text, baseline: text, reason: text },
    ...{ short: flag, "write-baseline": flag, help: { ...flag, short: "h" } },
  },
});

async function measureAll(settings, names) {
  const result = { machine: machine(), runs: settings.runs, ratios: {}, figures: {} };
  const partOf = {};
  for (const name of names) {
    const part = PARTS[name];
    if (part === undefined) throw new Error(`no part "${name}"; there are ${Object.keys(PARTS).join(", ")}`);
    const { ratios, figures } = await part(settings);
    Object.assign(result.ratios, ratios);
    Object.assign(result.figures, figures);
    for (const ratio of Object.keys(ratios)) partOf[ratio] = name;
  }
  return { result, partOf };
}

/** Why there is nothing to compare here; undefined on the machines that the bench is for. */
function whyNot() {
  if (process.platform !== "linux") return "it reads /proc";
  return ecdsaName === "native" ? undefined : "the native secp256k1 addon, the yardstick, does not load";
}

async function main() {
  if (values.help) return console.log(HELP);
  const reason = whyNot();
  if (reason !== undefined) return console.log(`bench: not run here: ${reason}`);
  if (values["write-baseline"] && !(values.baseline && values.reason))
    throw new Error("--write-baseline needs --baseline <file> and --reason <why>");
  const isShort = values.short === true;
  const settings = { isShort, runs: Number(values.runs ?? (isShort ? 3 : 7)) };
  const names = values.only?.split(",") ?? Object.keys(PARTS);
  const { result, partOf } = await measureAll(settings, names);
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
  if (values.page) fillPage(values.page, "targets", targetsText(result));
  if (values["write-baseline"]) return writeBaseline(values.baseline, result, values.reason);
  if (values.baseline === undefined) return printMeasured(result);
  const baseline = readBaseline(values.baseline);
  const isWhole = values.only === undefined;
  const again = (name) => PARTS[name](settings);
  const rows = await compareWithBaseline(result.ratios, baseline.ratios, { partOf, isWhole, again });
  printComparison(rows, baseline);
  if (rows.some(({ isWorse }) => isWorse)) process.exitCode = 1;
}

await main();
