const OPTION = "--max-semi-space-size";
/** MiB; Node's own is 16. */
const MEBIBYTES = 32;

/**
 * What Node is started with where relays are served: they leave much garbage behind, and with more room for it less of what is still
 * needed is copied. Measured in docs/performance.md, "The young generation". bin/run.js says the same to a shell. What the operator
 * chose stays, on the command line or in NODE_OPTIONS.
 */
export function nodeOptions(
  given: readonly string[] = process.execArgv,
  // biome-ignore lint/style/noProcessEnv: Node reads it, too
  environment: string = process.env["NODE_OPTIONS"] ?? "",
): string[] {
  const isChosen = [...given, ...environment.split(/\s+/)].some((option) =>
    option.replaceAll("_", "-").startsWith(OPTION),
  );
  return isChosen ? [...given] : [...given, `${OPTION}=${MEBIBYTES}`];
}
