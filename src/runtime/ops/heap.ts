import { availableParallelism } from "node:os";
import { setFlagsFromString } from "node:v8";

/** The room for young objects, in MiB; Node's own is 16. */
const YOUNG = { option: "--max-semi-space-size", value: 8 };
/** How much the heap of old objects may grow from one collection to the next. */
const OLD = { option: "--heap-growing-percent", value: 300 };
/** V8's threads that compile and collect beside the program; Node starts four, on however few cores. */
const HELPERS = { option: "--v8-pool-size", most: 4 };

/**
 * What Node is started with where relays are served. Each collection of young objects copies the relays that came since the last one and
 * wait for a slow backend, and all others wait meanwhile: the smaller the room, the fewer they are. And helpers that outnumber the other cores
 * take turns with the thread that they help. Measured in docs/performance.md, "Garbage". bin/run.js says the same to a shell, which is why cores
 * are counted without quotas here (cores.ts knows them). What the operator chose stays, on the command line or in NODE_OPTIONS.
 */
export function nodeOptions(
  given: readonly string[] = process.execArgv,
  // biome-ignore lint/style/noProcessEnv: Node reads it, too
  environment: string = process.env["NODE_OPTIONS"] ?? "",
  cores: number = availableParallelism(),
): string[] {
  const chosen = [...given, ...environment.split(/\s+/)];
  const helpers = Math.min(Math.max(cores - 1, 1), HELPERS.most);
  const own = [YOUNG, { option: HELPERS.option, value: helpers }].filter(
    ({ option }) => !isAmong(chosen, option),
  );
  return [...given, ...own.map(({ option, value }) => `${option}=${value}`)];
}

/**
 * For the rest of this process: old objects are collected when they have become four times what the last collection left, which is the most
 * that V8 grants itself; of a relayer it often grants 1.2 times, every five seconds, and each collection holds relays up for up to 100 ms.
 * Measured in docs/performance.md, "Garbage". What the operator chose on the command line stays; Node takes it from nowhere else.
 */
export function growOldGeneration(): void {
  const { option, value } = OLD;
  if (!isAmong(process.execArgv, option)) setFlagsFromString(`${option}=${value}`);
}

/** V8 takes both - and _. */
const isAmong = (options: readonly string[], option: string): boolean =>
  options.some((each) => each.replaceAll("_", "-").startsWith(option));
