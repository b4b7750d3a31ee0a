const OPTION = "--max-semi-space-size";
/** MiB; Node's own is 16. */
const MEBIBYTES = 32;

/**
 * What Node is started with where relays are served: they leave much garbage behind, and with more room for it less of what is still
 * needed is copied. Measured in docs/performance.md, "The young generation". bin/run.js says the same to a shell. What the operator
 * chose stays.
 */
export const nodeOptions = (given: readonly string[] = process.execArgv): string[] =>
  given.some((option) => option.replaceAll("_", "-").startsWith(OPTION))
    ? [...given]
    : [...given, `${OPTION}=${MEBIBYTES}`];
