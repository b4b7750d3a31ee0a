import { createInterface } from "node:readline/promises";
import { Flags } from "@oclif/core";
import { systemClock } from "../../base/clock.ts";
import { AppError } from "../../base/errors.ts";
import type { OpenChainClient } from "../../chain/node/client.ts";
import { type Inspectable, type Inspected, inspect } from "../../runtime/cache/inspect.ts";
import { type InvalidationReport, invalidate } from "../../runtime/cache/invalidate.ts";
import { EXIT } from "../../runtime/ops/error-table.ts";
import { atBlock, freshInWords } from "../base/cache/fresh.ts";
import { inWords, reportJson, reportLines } from "../base/cache/report.ts";
import { moreOfTheCache, oneOfTheCache, type Target, targetOf } from "../base/cache/target.ts";
import { duration } from "../base/cache/text.ts";
import { chainOf } from "../base/chain-target.ts";
import { RelayminerCommand } from "../base/command.ts";
import { type Fleet, operator, withFleet } from "../base/fleet.ts";
import { quietLogger } from "../base/quiet-logger.ts";
import { redisFlags } from "../base/redis-target.ts";
import { timeoutOf } from "../base/timeout.ts";

const ALLOWED = ["app", "service", "supplier", "session", "params", "all"] as const;
type Entity = ReturnType<typeof targetOf<(typeof ALLOWED)[number]>>["entity"];

export default class CacheInvalidate extends RelayminerCommand {
  static override summary = "Make every replica read something from the chain anew, and see that they did";
  static override description =
    `Deletes the copies in Redis, tells every relayer and miner to forget theirs, and waits until each has answered. Give exactly one target. A Go replica on the same Redis is told through its own channel, but it cannot answer.

Exits with 0 when every replica acknowledged and with 3 when one did not; the missing one is named.`;
  static override enableJsonFlag = true;
  static override examples = [
    {
      description: "After an application's stake or gateways changed",
      command: "<%= config.bin %> <%= command.id %> --app pokt1mrqt5f7qh8uxs27cjm9t7v9e74a9vvdnq5jva4",
    },
    {
      description: "See what would be deleted and who would be asked",
      command: "<%= config.bin %> <%= command.id %> --params --dry-run --config relayer.yaml",
    },
    {
      description: "Everything, from a script",
      command: "<%= config.bin %> <%= command.id %> --all --yes --json --redis redis://10.0.0.5:6379",
    },
  ];
  static override flags = {
    ...oneOfTheCache,
    ...moreOfTheCache,
    ...redisFlags,
    timeout: Flags.string({
      summary: "How long to wait for the answers, such as 500ms, 3s or 1m",
      default: "3s",
      helpValue: "<duration>",
    }),
    "dry-run": Flags.boolean({ summary: "Tell what would happen; change nothing" }),
    yes: Flags.boolean({ char: "y", summary: "Do not ask before --all" }),
  };

  async run(): Promise<ReturnType<typeof reportJson>> {
    const { flags } = await this.parse(CacheInvalidate);
    const target = targetOf(flags, ALLOWED);
    const timeoutMs = timeoutOf(flags.timeout);
    const dryRun = flags["dry-run"];
    const chain = this.jsonEnabled() || dryRun ? undefined : chainOf(flags);
    try {
      return await withFleet(flags, async (fleet) => {
        const needsYes = target.entity === "all" && !flags.yes && !dryRun;
        if (needsYes && !(await confirmed())) {
          this.logToStderr("nothing was changed");
          return this.exit(EXIT.failed);
        }
        const before = chain && (await copies(fleet, target, undefined));
        const report = await invalidate({
          ...fleet,
          ...target,
          clock: systemClock,
          logger: quietLogger("cache"),
          timeoutMs,
          by: operator(),
          dryRun,
        });
        const fresh = chain ? await freshLines(fleet, target, chain, before ?? []) : [];
        for (const line of reportLines(report, fresh)) this.log(line);
        this.#judge(report, timeoutMs);
        return reportJson(report);
      });
    } finally {
      await chain?.close();
    }
  }

  /** With --json the report itself, on stdout, names the missing replicas; without it the error does. */
  #judge({ unacknowledged, expected }: InvalidationReport, timeoutMs: number): void {
    if (unacknowledged.length === 0) return;
    if (this.jsonEnabled()) {
      process.exitCode = EXIT.partial;
      return;
    }
    throw new AppError(
      "ACKS_MISSING",
      `${unacknowledged.length} of ${expected} replicas did not acknowledge within ${duration(timeoutMs)}`,
      { why: unacknowledged.map(inWords).join("\n") },
    );
  }
}

async function confirmed(): Promise<boolean> {
  if (!process.stdin.isTTY) return true;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question("Forget everything that is cached, on every replica? [y/N] ");
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

const isInspectable = (entity: Entity): entity is Inspectable => entity !== "session" && entity !== "all";

async function copies(
  { redis, keys }: Fleet,
  { entity, id }: Target<Entity>,
  client: OpenChainClient | undefined,
): Promise<Inspected[]> {
  if (!isInspectable(entity)) return [];
  return inspect({ redis: redis.commands, keys, replicas: [], client, entity, id });
}

async function freshLines(
  fleet: Fleet,
  target: Target<Entity>,
  client: OpenChainClient,
  before: readonly Inspected[],
): Promise<string[]> {
  const now = await copies(fleet, target, client);
  const block = await atBlock(client);
  return now.flatMap((inspected, index) => {
    const { kind, chain } = inspected;
    if (chain === undefined || kind === "account") return [];
    const prefix = now.length > 2 ? `${kind}: ` : "";
    return [`${prefix}${freshInWords(inspected, before[index]?.shared, chain)}${block}`];
  });
}
