import { Flags } from "@oclif/core";
import { systemClock } from "../base/clock.ts";
import { AppError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { invalidate } from "../runtime/cache/invalidate.ts";
import { parseInvalidate } from "../runtime/cache/invalidation.ts";
import type { FleetView, Invalidated, InvalidateTarget } from "../runtime/ops/view.ts";
import { viewJson } from "../runtime/ops/view-json.ts";
import { openRedis, type RedisConnections } from "../runtime/redis/connect.ts";
import { type Keys, redisKeys } from "../runtime/redis/keys.ts";
import { openViewReader } from "../runtime/redis/view-reader.ts";
import { RelayminerCommand } from "./base/command.ts";
import { redisFlags, redisTarget } from "./base/redis-target.ts";

const SCREENS = ["sessions", "queues", "cache", "fleet"] as const;
const ACK_WITHIN_MS = 5_000;

/** Nothing may be written over the screen: what is worth telling is told on it. */
const SILENT: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

export default class Dashboard extends RelayminerCommand {
  static override summary = "Watch a fleet on the whole terminal: sessions, queues, caches, replicas";
  static override description =
    "Everything shown is read from the fleet's Redis, so it shows every replica. Nothing is changed unless a cache entry is invalidated (i, then y). Press ? for the keys. Scripts use --json, or --once for one plain-text frame.";
  static override enableJsonFlag = true;
  static override examples = [
    "<%= config.bin %> <%= command.id %> --config relayer.yaml",
    "<%= config.bin %> <%= command.id %> --localnet .localnet --screen cache",
    {
      description: "One snapshot for a script",
      command: "<%= config.bin %> <%= command.id %> --redis redis://10.0.0.5:6379 --json",
    },
  ];
  static override flags = {
    ...redisFlags,
    screen: Flags.option({ options: SCREENS, default: "sessions", summary: "Screen to begin with" })(),
    interval: Flags.integer({
      summary: "Milliseconds between two reads",
      default: 1_000,
      min: 200,
      max: 3_600_000,
      helpValue: "<ms>",
    }),
    "read-only": Flags.boolean({ summary: "Never invalidate anything" }),
    once: Flags.boolean({ summary: "Print one frame as plain text, then exit", exclusive: ["json"] }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Dashboard);
    const isLive = !flags.once && !this.jsonEnabled();
    if (isLive) requireTerminal();
    const { url, namespace } = redisTarget(flags);
    const redis = await openRedis({ url, logger: SILENT, role: "dashboard" });
    const keys = redisKeys(namespace);
    const source = openViewReader({ redis, keys, clock: systemClock });
    try {
      if (this.jsonEnabled()) return viewJson(await source.read());
      if (flags.once) return await this.#print(await source.read(), flags.screen);
      // React draws in half the time without its checks for developers; it looks when it is loaded.
      // biome-ignore lint/style/noProcessEnv: the only way to tell React
      process.env["NODE_ENV"] ??= "production";
      const { runDashboard } = await import("../tui/run-dashboard.tsx");
      const signal = await runDashboard({
        source,
        invalidate: (target) => invalidateIn(redis, keys, target),
        clock: systemClock,
        intervalMs: flags.interval,
        isReadOnly: flags["read-only"],
        screen: flags.screen,
        stdin: process.stdin,
        stdout: process.stdout,
      });
      if (signal !== undefined) this.exit(signal === "SIGINT" ? 130 : signal === "SIGTERM" ? 143 : 129);
      return undefined;
    } finally {
      await redis.close();
    }
  }

  async #print(view: FleetView, screen: (typeof SCREENS)[number]): Promise<void> {
    const { plainFrame } = await import("../tui/run-dashboard.tsx");
    const { isTTY, columns } = process.stdout;
    this.log(plainFrame({ view, screen, columns: isTTY ? columns : 120 }));
  }
}

function requireTerminal(): void {
  const missing = process.stdout.isTTY ? (process.stdin.isTTY ? undefined : "stdin") : "stdout";
  if (missing !== undefined)
    throw new AppError("NO_TERMINAL", "The dashboard needs a terminal", {
      why: `${missing} is not a terminal`,
      todo: "Run it in a terminal of at least 60x15; scripts use `relayminer dashboard --json`, or --once for plain text.",
    });
}

const invalidateIn = (redis: RedisConnections, keys: Keys, target: InvalidateTarget): Promise<Invalidated> =>
  invalidate({
    redis,
    keys,
    clock: systemClock,
    logger: SILENT,
    ...parseInvalidate({ ...target }),
    timeoutMs: ACK_WITHIN_MS,
    by: "dashboard",
  }).then((report) => ({ ...report, deleted: report.deleted.map(({ key }) => key) }));
