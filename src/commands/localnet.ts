import { resolve } from "node:path";
import { Flags } from "@oclif/core";
import { systemClock } from "../base/clock.ts";
import { AppError } from "../base/errors.ts";
import { RelayminerCommand } from "./base/command.ts";
import { explain, fourLines } from "./base/explain.ts";
import { type Report, runLocalnet } from "./base/localnet/run.ts";
import { openScreen } from "./base/localnet/screen.ts";
import { untilSignal } from "./base/signals.ts";

export default class Localnet extends RelayminerCommand {
  static override summary =
    "See relays become money: a whole network on this machine, counted to the last relay";
  static override description =
    "Starts a redis-server, a Pocket chain, backends, a miner and a relayer, each as a process of its own; sends signed relays; follows claims, proofs and settlement; checks that answered = leaves = claimed = settled. Exit code 1 when it does not hold. With --keep it goes on running for the other commands, which take --localnet <dir>. Nothing runs any more when it ends.";
  static override enableJsonFlag = true;
  static override examples = [
    "<%= config.bin %> <%= command.id %>",
    "<%= config.bin %> <%= command.id %> --relays 5000 --sessions 3 --json",
    {
      description: "Leave it running, with a little traffic, for the dashboard and the other commands",
      command: "<%= config.bin %> <%= command.id %> --keep",
    },
  ];
  static override flags = {
    sessions: Flags.integer({
      summary: "Sessions to spread the relays over",
      default: 2,
      min: 1,
      max: 1_000,
    }),
    relays: Flags.integer({
      summary: "Relays in all; 0 only brings the network up",
      default: 1_000,
      min: 0,
      max: 10_000_000,
    }),
    "block-time": Flags.integer({
      summary: "Milliseconds a block",
      default: 400,
      min: 200,
      max: 60_000,
      helpValue: "<ms>",
    }),
    suppliers: Flags.integer({
      summary: "Suppliers, each serving every service",
      default: 3,
      min: 1,
      max: 15,
    }),
    dir: Flags.string({
      summary: "Where configurations, keys, data and logs go",
      default: ".localnet",
      helpValue: "<dir>",
    }),
    keep: Flags.boolean({
      summary: "Go on running after the report, until Ctrl-C; <dir>/localnet.json tells where everything is",
    }),
    rps: Flags.integer({
      summary: "With --keep: relays a second from then on; by default 2, or none with --relays 0",
      min: 0,
      max: 200,
      dependsOn: ["keep"],
    }),
    restart: Flags.boolean({ summary: "Start a relayer or miner that ends again" }),
    seed: Flags.integer({
      summary: "The same seed gives the same keys and the same chain",
      default: 42,
      min: 0,
    }),
    port: Flags.integer({
      summary: "First of the five ports; by default the next free ones from 8180",
      min: 1_024,
      max: 65_000,
      helpValue: "<port>",
    }),
    "redis-server": Flags.string({
      summary: "Path of the redis-server to start; by default the one on PATH",
      env: "RELAYMINER_REDIS_SERVER",
      helpValue: "<file>",
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Localnet);
    const interrupt = new AbortController();
    void untilSignal().then(() => interrupt.abort());
    const json = this.jsonEnabled();
    const outcome = await runLocalnet({
      settings: {
        sessions: flags.sessions,
        relays: flags.relays,
        blockTimeMs: flags["block-time"],
        suppliers: flags.suppliers,
        directory: resolve(flags.dir),
        keep: flags.keep,
        rps: flags.rps ?? (flags.relays === 0 ? 0 : KEPT_RPS),
        restart: flags.restart,
        seed: flags.seed,
        port: flags.port,
        redisServer: flags["redis-server"],
        version: this.config.version,
      },
      screen: openScreen(json ? process.stderr : process.stdout, systemClock),
      clock: systemClock,
      interrupt: interrupt.signal,
      onReport: (report) => {
        if (json) this.logJson(summary(report));
      },
    });
    if (outcome === "interrupted") process.exitCode = INTERRUPTED;
  }

  /** One line, so that the last line of stdout is the whole object. */
  override logJson(json: unknown): void {
    process.stdout.write(`${JSON.stringify(json)}\n`);
  }

  /** The figures of an equation that does not hold are on stdout already: they stay its last line. */
  protected override async catch(thrown: Error): Promise<unknown> {
    if (!(this.jsonEnabled() && thrown instanceof AppError && thrown.code === "LOCALNET_UNBALANCED"))
      return super.catch(thrown);
    const explained = explain(thrown);
    process.stderr.write(`${fourLines(explained)}\n`);
    return this.exit(explained.exit);
  }
}

/** Enough for the dashboard to have something to show, too little to be in anybody's way. */
const KEPT_RPS = 2;

/** 128 + SIGINT, as shells have it. */
const INTERRUPTED = 130;

const summary = ({ totals, rows, problems, services, sessions, seconds }: Report) => ({
  ...totals,
  balanced: problems.length === 0,
  problems,
  sessions,
  services,
  seconds: Math.round(seconds * 10) / 10,
  rows: rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, typeof value === "bigint" ? Number(value) : value]),
    ),
  ),
});
