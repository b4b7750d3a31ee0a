/** How the benches time things: rounds over all tasks in turn, so that a slow minute is everybody's, and V, the yardstick, in each. */
import { cpus } from "node:os";
import { figure, median, round3 } from "./numbers.mjs";
import { microsecondsOf } from "./timing.mjs";

function microseconds({ times, per = 1, run }) {
  const all = microsecondsOf(() => {
    for (let index = 0; index < times; index++) run();
  });
  return all / times / per;
}

export const machine = () => ({
  cpu: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
  node: process.version,
});

/**
 * Figures in microseconds, and medians of each round's ratio to V. A task is what to run, how many times a round, and how many things
 * one run does. The first round is not counted: it warms the compiler up. `others` are further ratios: name → [task, task].
 */
export function measured(tasks, runs, others = {}) {
  const samples = Object.fromEntries(Object.keys(tasks).map((name) => [name, []]));
  for (let round = 0; round <= runs; round++)
    for (const [name, task] of Object.entries(tasks)) {
      const time = microseconds(task);
      if (round > 0) samples[name].push(time);
    }
  const ratio = (over, under) =>
    round3(median(samples[over].map((time, index) => time / samples[under][index])));
  const figures = Object.fromEntries(
    Object.entries(samples).map(([name, list]) => [name, figure("us", list)]),
  );
  const toV = Object.keys(tasks).filter((name) => name !== "V");
  const ratios = {
    ...Object.fromEntries(toV.map((name) => [name, ratio(name, "V")])),
    ...Object.fromEntries(Object.entries(others).map(([name, [over, under]]) => [name, ratio(over, under)])),
  };
  return { machine: machine(), runs, ratios, figures };
}

/** All figures, each with its ratio if it has one of its own name, then the ratios without a figure. */
export function printMeasured({ machine: { cpu, cores, node }, runs, ratios, figures }) {
  console.log(`${cpu}, ${cores} cores, node ${node}, ${runs} runs`);
  for (const [name, { unit, min, median: middle, max }] of Object.entries(figures)) {
    const ratio = ratios[name] === undefined ? "" : `, ${ratios[name]} V`;
    console.log(`${name.padEnd(32)} ${middle} ${unit} (${min} to ${max})${ratio}`);
  }
  for (const [name, ratio] of Object.entries(ratios))
    if (figures[name] === undefined) console.log(`${name.padEnd(32)} ${ratio}`);
}
