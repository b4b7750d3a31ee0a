const OPTION = "--max-semi-space-size";
/** MiB; Node's own is 16. */
const MEBIBYTES = 8;

/**
 * What Node is started with where relays are served: each collection of young objects copies the relays that came since the last one and
 * wait for a slow backend, and all others wait meanwhile. The smaller the room, the fewer they are. Measured in docs/performance.md,
 * "The young generation". bin/run.js says the same to a shell. What the operator chose stays, on the command line or in NODE_OPTIONS.
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
