import { Flags } from "@oclif/core";
import { systemClock } from "../../base/clock.ts";
import { AppError } from "../../base/errors.ts";
import { askableReplicas } from "../../runtime/cache/askable-replicas.ts";
import { changeInWords } from "../../runtime/config/changes.ts";
import { EXIT } from "../../runtime/ops/error-table.ts";
import { askToReload, type ReplicaReload } from "../../runtime/reload/ask.ts";
import { RelayminerCommand } from "../base/command.ts";
import { operator, withFleet } from "../base/fleet.ts";
import { redisFlags } from "../base/redis-target.ts";
import { timeoutOf } from "../base/timeout.ts";

export default class ConfigReload extends RelayminerCommand {
  static override summary = "Have running relayers and miners take their configuration and keys anew";
  static override description =
    `Each process reads its own file and keys, checks all of it, and takes it at once or not at all: relays in work end with what they began with. Shows what changed in each, without secrets. Settings that need a restart are named, and then nothing is taken. docs/configuration.md says which settings a reload takes. The same for one process on its machine: kill -HUP <pid>.

Exits with 0 when every process asked took it, with 4 when one refused, with 3 when one did not answer.`;
  static override enableJsonFlag = true;
  static override examples = [
    {
      description: "What would change, and would it be taken?",
      command: "<%= config.bin %> <%= command.id %> --dry-run --config relayer.yaml",
    },
    {
      description: "One process first, then all",
      command: "<%= config.bin %> <%= command.id %> --replica relayer-1 --redis redis://10.0.0.5:6379",
    },
    "<%= config.bin %> <%= command.id %> --all --redis redis://10.0.0.5:6379",
  ];
  static override flags = {
    replica: Flags.string({
      summary: "Only this process; may be given several times",
      multiple: true,
      helpValue: "<id>",
      exclusive: ["all"],
    }),
    all: Flags.boolean({ summary: "Every running process; so it is without --replica, too" }),
    "dry-run": Flags.boolean({
      summary: "Read and check everything, and tell what would change; take nothing",
    }),
    timeout: Flags.string({
      summary: "How long to wait for the answers, such as 500ms, 10s or 1m",
      default: "10s",
      helpValue: "<duration>",
    }),
    ...redisFlags,
  };

  async run() {
    const { flags } = await this.parse(ConfigReload);
    const dryRun = flags["dry-run"];
    const timeoutMs = timeoutOf(flags.timeout);
    const replicas = await withFleet(flags, async (fleet) =>
      askToReload({
        ...fleet,
        clock: systemClock,
        live: await askableReplicas(fleet.redis.commands, fleet.keys, { tidy: false }),
        only: flags.replica ?? [],
        dryRun,
        timeoutMs,
        by: operator(),
      }),
    );
    for (const line of replicas.flatMap(linesOf)) this.log(line);
    this.#judge(replicas, flags.timeout);
    return { dry_run: dryRun, replicas: replicas.map(jsonOf) };
  }

  /** With --json the report itself, on stdout, says who refused; without it the error does. */
  #judge(replicas: readonly ReplicaReload[], timeout: string): void {
    const refused = replicas.filter((replica) => replica.refused !== undefined);
    const silent = replicas.filter(({ done, refused: no }) => done === undefined && no === undefined);
    if (refused.length + silent.length === 0) return;
    if (this.jsonEnabled()) {
      process.exitCode = refused.length > 0 ? EXIT.refused : EXIT.partial;
      return;
    }
    if (refused.length > 0)
      throw new AppError(
        "RELOAD_REFUSED",
        `${refused.length} of ${replicas.length} processes refused the reload`,
        {
          why: refused.flatMap(refusalOf).join("\n"),
        },
      );
    throw new AppError(
      "ACKS_MISSING",
      `${silent.length} of ${replicas.length} processes did not answer within ${timeout}`,
      {
        why: silent.map(({ role, id }) => `${role} ${id}`).join("\n"),
      },
    );
  }
}

const RESULTS = {
  applied: "reloaded",
  unchanged: "nothing has changed",
  would_apply: "would be taken (dry run: nothing was)",
};

function linesOf({ id, role, done, refused }: ReplicaReload): string[] {
  const line = (text: string) => `${role} ${id}: ${text}`;
  if (refused !== undefined) return [line("refused, works on with what it had")];
  if (done === undefined) return [line("no answer")];
  return [
    line(RESULTS[done.result]),
    ...done.changes.map((change) => `  ${changeInWords({ before: undefined, after: undefined, ...change })}`),
    ...done.added.map((address) => `  + key of ${address}`),
    ...done.removed.map((address) => `  - key of ${address}`),
  ];
}

const refusalOf = ({ id, role, refused }: ReplicaReload): string[] => [
  `${role} ${id}: ${refused?.what} (${refused?.code})`,
  ...(refused?.why === undefined ? [] : refused.why.split("\n").map((line) => `  ${line}`)),
];

const jsonOf = ({ id, role, done, refused }: ReplicaReload) => ({
  id,
  role,
  result: done?.result ?? (refused === undefined ? "no_answer" : "refused"),
  ...(done && { changes: done.changes, keys_added: done.added, keys_removed: done.removed }),
  ...(refused && { error: refused }),
});
