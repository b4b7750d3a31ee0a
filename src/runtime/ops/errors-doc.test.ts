import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ERRORS, EXIT } from "./error-table.ts";

const DOC = fileURLToPath(new URL("../../../docs/errors.md", import.meta.url));

const EXIT_MEANS: Readonly<Record<keyof typeof EXIT, string>> = {
  failed: "The command did not do what it was asked.",
  foundProblems: "A check ran and found problems.",
  partial: "Done in part: a replica did not acknowledge.",
  refused: "Refused because it would be unsafe now.",
  usage: "The command line is wrong.",
  badData: "A file or a value has wrong content.",
  missingFile: "A file or directory is missing.",
  unreachable: "Something that is needed cannot be reached: Redis, the chain, an address to listen on.",
  bug: "A defect of relayminer.",
  cannotWrite: "A file cannot be written.",
  tryAgain: "Not now; the same command may work later.",
  permission: "Access rights are missing, or are too wide for private keys.",
  config: "The configuration is wrong, or does not fit the server or the chain.",
};

function render(): string {
  const used = new Set<number>([EXIT.bug, ...Object.values(ERRORS).map(({ exit }) => exit)]);
  const exits = Object.entries(EXIT)
    .filter(([, exit]) => used.has(exit))
    .map(([name, exit]) => [exit, EXIT_MEANS[name as keyof typeof EXIT]] as const);
  const codes = Object.entries(ERRORS).sort(([left], [right]) => (left < right ? -1 : 1));
  return [
    "# Errors and exit codes",
    "",
    "Written by `npm run docs` from `src/runtime/ops/error-table.ts`.",
    "",
    "An error is four lines on stderr: what failed and its code, why (one line more for each further reason), what to do, and the place in this file. With `--json` it is an object `error` with `code`, `what`, `why`, `todo`, `docs` and `exit` on stdout. A failure that is not listed here is a defect and ends with exit code 70.",
    "",
    "## Exit codes",
    "",
    "| exit | meaning |",
    "|---|---|",
    "| 0 | Done. |",
    ...exits.map(([exit, means]) => `| ${exit} | ${means} |`),
    "| 127 | There is no such command. |",
    "| 130 | Ended by a second Ctrl-C. |",
    "",
    "A service manager should not restart after 64, 65, 66, 77 and 78: nothing changes until somebody changes it. In a systemd unit: `RestartPreventExitStatus=64 65 66 77 78`.",
    "",
    "A relayer or miner that is started while Redis is away waits for it, ten minutes by default (`relay.redis_wait`, `miner.redis_wait`), and exits with 69 after that: restarted by systemd (`Restart=on-failure`; it stays below the start limit) or Kubernetes it goes on waiting, and a Redis that never comes is seen as restarts. In Kubernetes let the liveness probe ask `/health` and the readiness probe `/ready` at `health_check.addr`, of a miner at `metrics.addr`: a process that waits is alive and not ready. The relay port is closed until it serves.",
    "",
    ...codes.flatMap(([code, { exit, means, todo }]) => [
      `## ${code}`,
      "",
      means,
      "",
      `- What to do: ${todo}`,
      `- Exit code: ${exit}`,
      "",
    ]),
  ].join("\n");
}

test("docs/errors.md tells what the table says; `npm run docs` writes it anew", async () => {
  await expect(render()).toMatchFileSnapshot(DOC);
});
