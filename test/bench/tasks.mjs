/** How the benches time things: rounds over all tasks in turn, so that a slow minute is everybody's, and V, the yardstick, in each. */
import { cpus } from "node:os";

export const median = (list) => list.toSorted((left, right) => left - right)[Math.floor(list.length / 2)];
const round3 = (number) => Math.round(number * 1000) / 1000;

function microseconds({ times, per = 1, run }) {
  const start = process.hrtime.bigint();
  for (let index = 0; index < times; index++) run();
  return Number(process.hrtime.bigint() - start) / 1_000 / times / per;
}

/**
 * Figures in microseconds, and medians of each round's ratio to V. A task is what to run, how many times a round, and how many things
 * one run does. The first round is not counted: it warms the compiler up.
 */
export function measured(tasks, runs) {
  const samples = Object.fromEntries(Object.keys(tasks).map((name) => [name, []]));
  for (let round = 0; round <= runs; round++)
    for (const [name, task] of Object.entries(tasks)) {
      const figure = microseconds(task);
      if (round > 0) samples[name].push(figure);
    }
  const figures = Object.entries(samples).map(([name, list]) => {
    const [min, max] = [Math.min(...list), Math.max(...list)];
    return [name, { unit: "us", min: round3(min), median: round3(median(list)), max: round3(max) }];
  });
  const ratios = Object.entries(samples)
    .filter(([name]) => name !== "V")
    .map(([name, list]) => [name, round3(median(list.map((figure, index) => figure / samples.V[index])))]);
  const machine = { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, node: process.version };
  return { machine, runs, ratios: Object.fromEntries(ratios), figures: Object.fromEntries(figures) };
}

export function printMeasured({ machine, runs, ratios, figures }) {
  console.log(`${machine.cpu}, ${machine.cores} cores, node ${machine.node}, ${runs} runs`);
  for (const [name, { min, median: middle, max }] of Object.entries(figures))
    console.log(
      `${name.padEnd(22)} ${middle} us (${min} to ${max})${name === "V" ? "" : `, ${ratios[name]} V`}`,
    );
}
