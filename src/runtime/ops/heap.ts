import { setFlagsFromString } from "node:v8";

/** The room for young objects, in MiB; Node's own is 16. */
const YOUNG = { option: "--max-semi-space-size", value: 8 };
/** How much the heap of old objects may grow from one collection to the next. */
const OLD = { option: "--heap-growing-percent", value: 300 };

/** What the process was started with, and what its environment adds. */
const GIVEN = {
  options: process.execArgv as readonly string[],
  // biome-ignore lint/style/noProcessEnv: Node reads it, too
  environment: process.env["NODE_OPTIONS"] ?? "",
};

/**
 * What Node is started with where relays are served: each collection of young objects copies the relays that came since the last one and
 * wait for a slow backend, and all others wait meanwhile. The smaller the room, the fewer they are. Measured in docs/performance.md,
 * "Garbage". bin/run.js says the same to a shell. What the operator chose stays, on the command line or in NODE_OPTIONS.
 */
export function nodeOptions(given: Partial<typeof GIVEN> = {}): string[] {
  const { options, environment } = { ...GIVEN, ...given };
  const { option, value } = YOUNG;
  return isChosen(option, options, environment) ? [...options] : [...options, `${option}=${value}`];
}

/**
 * For the rest of this process: old objects are collected when they have become four times what the last collection left, which is the most
 * that V8 grants itself; of a relayer it often grants 1.2 times, every five seconds, and each collection holds relays up for up to 100 ms.
 * Measured in docs/performance.md, "Garbage". What the operator chose stays.
 */
export function growOldGeneration(): void {
  const { option, value } = OLD;
  if (!isChosen(option, GIVEN.options, GIVEN.environment)) setFlagsFromString(`${option}=${value}`);
}

const isChosen = (option: string, options: readonly string[], environment: string): boolean =>
  [...options, ...environment.split(/\s+/)].some((each) => each.replaceAll("_", "-").startsWith(option));
