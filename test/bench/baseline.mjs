/** Ratios of an earlier day, to see that nothing has become slower. Only ratios: times differ between machines and minutes. */
import { readFileSync, writeFileSync } from "node:fs";
import { round3 } from "./numbers.mjs";

/** A ratio above this many times its baseline is a regression. */
export const ALLOWED = 1.5;

/**
 * A part of another ratio, which may move between threads without harm; and times of hashing, which processors have instructions for or
 * have not: the trie is compared by its ratio to a hash.
 */
const NOT_COMPARED = /^relay_main_|^hash_|^trie_(?!.*_per_hash)/;

export const readBaseline = (file) => JSON.parse(readFileSync(file, "utf8"));

export function writeBaseline(file, { machine, ratios }, reason) {
  const date = new Date().toISOString().slice(0, 10);
  const kept = Object.entries(ratios).filter(([name]) => !NOT_COMPARED.test(name));
  const baseline = { machine, date, reason, ratios: Object.fromEntries(kept) };
  writeFileSync(file, `${JSON.stringify(baseline, null, 2)}\n`);
  console.log(`${file} holds ${kept.length} ratios`);
}

/**
 * A row for each ratio of the baseline. A part with a ratio that is too high is measured once more by `again(name)`, and the lower of
 * its two figures counts: another process may have had the machine. `partOf` is the part of each ratio that was measured; when the bench
 * is whole, one that was not is a failure.
 */
export async function compareWithBaseline(measured, baseline, { partOf, isWhole, again }) {
  const ratios = { ...measured };
  const worse = () => rowsOf(ratios, baseline, isWhole).filter(({ isWorse }) => isWorse);
  for (const part of new Set(worse().map(({ name }) => partOf[name]))) {
    if (part === undefined) continue;
    console.error(`too high, measured once more: ${part}`);
    const second = await again(part);
    for (const [name, ratio] of Object.entries(second.ratios)) ratios[name] = Math.min(ratio, ratios[name]);
  }
  return rowsOf(ratios, baseline, isWhole);
}

function rowsOf(ratios, baseline, isWhole) {
  const names = Object.keys(baseline).filter((name) => isWhole || ratios[name] !== undefined);
  return names.map((name) => {
    const factor = round3(ratios[name] / baseline[name]);
    return { name, measured: ratios[name], baseline: baseline[name], factor, isWorse: !(factor <= ALLOWED) };
  });
}

export function printComparison(rows, { machine, date, reason }) {
  const line = (...[name, ...rest]) =>
    console.log([name.padEnd(28), ...rest.map((each) => String(each).padStart(10))].join(""));
  line("ratio", "measured", "baseline", "factor");
  for (const { name, measured = "none", baseline, factor, isWorse } of rows)
    line(name, measured, baseline, `${Number.isNaN(factor) ? "-" : factor}${isWorse ? " !" : ""}`);
  const count = rows.filter(({ isWorse }) => isWorse).length;
  console.log(`baseline of ${date} (${machine.cpu}, node ${machine.node}): ${reason}`);
  console.log(
    count === 0
      ? `bench: none of ${rows.length} ratios above ${ALLOWED} times its baseline`
      : `bench: ${count} of ${rows.length} ratios above ${ALLOWED} times the baseline (marked !). Find out why; if it must be so: node test/bench/run.mjs --short --baseline <file> --write-baseline --reason "<why>"`,
  );
}
