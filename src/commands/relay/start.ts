import { hostname } from "node:os";
import { Flags } from "@oclif/core";
import { systemClock } from "../../base/clock.ts";
import { AppError } from "../../base/errors.ts";
import { loadRelayerConfig, type RelayerConfig } from "../../runtime/config/relayer.ts";
import { spoolDirectories } from "../../runtime/config/spool.ts";
import type { PasswordSource } from "../../runtime/keys/load-keys.ts";
import { growOldGeneration } from "../../runtime/ops/heap.ts";
import { type LogLevel, openLogger } from "../../runtime/ops/logger.ts";
import { type Relayer, startRelayer } from "../../runtime/relayer/main.ts";
import { startProcesses } from "../../runtime/relayer/processes/primary.ts";
import { processCount, shareOf } from "../../runtime/relayer/processes/share.ts";
import { type Channel, serveAsWorker } from "../../runtime/relayer/processes/worker.ts";
import { RelayminerCommand } from "../base/command.ts";
import { checkKeys, insecureKeysFlag, trusting } from "../base/keys.ts";
import { passwordsOfProcess } from "../base/passwords.ts";
import { askedToEnd, reloadAtHangup, unlessStopped } from "../base/signals.ts";

const untilAborted = (signal: AbortSignal): Promise<"command"> =>
  new Promise((resolve) => signal.addEventListener("abort", () => resolve("command"), { once: true }));

export default class RelayStart extends RelayminerCommand {
  static override summary = "Serve relays: check, answer, sign and store them for the miner";
  static override description =
    "Runs until SIGTERM, SIGINT or `relay drain`, then turns not ready, serves on for relay.drain.delay (not after SIGINT), finishes the relays in work and exits. SIGHUP, or `config reload`, takes configuration and keys anew without a restart. Logs go to stderr. The keys of the YAML file are those of the Go peer; docs/configuration.md lists them, docs/examples/relayer.yaml is one to begin with. Exit codes: docs/errors.md.";
  static override examples = [
    "<%= config.bin %> <%= command.id %> --config relayer.yaml",
    {
      description: "A process for each core, on the same port",
      command: "<%= config.bin %> <%= command.id %> --config relayer.yaml --processes auto",
    },
    {
      description: "Check the configuration only",
      command: "<%= config.bin %> <%= command.id %> --config relayer.yaml --check",
    },
  ];
  static override flags = {
    config: Flags.string({ summary: "YAML file of the relayer", required: true, helpValue: "<file>" }),
    check: Flags.boolean({ summary: "Read and check the configuration and the keys, then exit" }),
    processes: Flags.string({
      summary: "Processes that share the relay port: a number, or auto for one for each core it may use",
      description:
        "They share relay.verify_workers and relay.spool.max_mb; every other limit, such as relay.max_in_flight, is each one's own. Metrics and health of all are answered on the configured addresses. One that ends is started again.",
      default: "1",
      helpValue: "<n|auto>",
    }),
    // Which of them this process is: given by the first process only.
    process: Flags.integer({ hidden: true, min: 1 }),
    ...insecureKeysFlag,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(RelayStart);
    const read = () => trusting(loadRelayerConfig(flags.config), flags);
    const { config, path, unused } = read();
    const passwords = passwordsOfProcess();
    const count = processCount(processesOf(flags.processes));
    if (flags.check) {
      const { suppliers, notes } = await checkKeys(config.keys, passwords);
      this.log(
        `${path} is valid: ${Object.keys(config.services).length} services, ${suppliers} suppliers, listening on ${config.listen_addr}`,
      );
      for (const note of notes) this.log(`note  ${note}`);
      for (const why of unused) this.log(`unused  ${why}`);
      return;
    }
    const logger = openLogger({ ...config.logging, name: "relayer" });
    const directories = spoolDirectories(config.relay.spool, path, this.config.dataDir);
    const given = { config, reread: () => read().config, directories, logger, passwords };
    if (flags.process !== undefined) return this.#serveAsOne(flags.process, count, given);
    for (const why of unused) logger.warn({ setting: why }, "this setting has no effect");
    if (count > 1) return this.#supervise(path, count, given);
    const { asked, stop } = askedToEnd();
    const relayer = await unlessStopped(this.#start({ ...given, stop }), stop);
    if (relayer !== undefined) {
      const why = await Promise.race([asked, untilAborted(relayer.drainAsked)]);
      logger.info({ why }, "draining");
      // Whoever presses Ctrl-C waits for no load balancer.
      await relayer.drain(why === "SIGINT" ? 0 : undefined);
    }
    logger.info({}, "stopped");
  }

  #start({ directories, logger, setLogLevel, ...given }: Given): Promise<Relayer> {
    growOldGeneration();
    const starting = startRelayer({
      ...given,
      version: this.config.version,
      logger,
      clock: systemClock,
      spoolDirectories: directories,
      setLogLevel: (level) => {
        logger.level = level;
        setLogLevel?.(level);
      },
    });
    reloadAtHangup(starting);
    return starting;
  }

  /** The first of several processes. */
  async #supervise(path: string, count: number, { config, logger, passwords }: Given): Promise<void> {
    // What is wrong with the keys is told once, not by each process.
    await checkKeys(config.keys, passwords);
    if (!config.relay_meter.enabled && config.relay.replays !== "off")
      logger.warn(
        { processes: count },
        "without relay_meter a relay is remembered by its process only: a copy may be served by each",
      );
    const args = (number: number) => [
      ...["relay", "start", "--config", path],
      ...["--processes", String(count), "--process", String(number)],
      ...(config.keys.allow_insecure_permissions ? ["--allow-insecure-key-permissions"] : []),
    ];
    const { asked, stop } = askedToEnd();
    const setLogLevel = (level: LogLevel) => {
      logger.level = level;
    };
    const given = { config, count, args, passwords, setLogLevel, clock: systemClock, logger, stop };
    const starting = startProcesses(given);
    reloadAtHangup(starting.then((started) => ("failed" in started ? undefined : started)));
    const processes = await starting;
    if ("failed" in processes) return this.exit(processes.failed);
    const why = await Promise.race([asked, processes.ended.then(() => "command" as const)]);
    if (why !== "command") {
      logger.info({ why }, "draining");
      processes.drain(why === "SIGINT" ? 0 : undefined);
    }
    await processes.ended;
    logger.info({}, "stopped");
  }

  async #serveAsOne(number: number, count: number, given: Given): Promise<void> {
    const ofThis = (config: RelayerConfig) =>
      shareOf(config, number, count, `relayer-${hostname()}-${process.ppid}`);
    const channel: Channel = process;
    await serveAsWorker({
      start: (passwords, stop) =>
        unlessStopped(
          this.#start({
            ...given,
            stop,
            config: ofThis(given.config),
            reread: () => ofThis(given.reread()),
            passwords,
            supervised: true,
            setLogLevel: (level) => void channel.send?.({ kind: "log_level", level }),
          }),
          stop,
        ),
      environment: given.passwords.environment,
      channel,
      clock: systemClock,
    });
    given.logger.info({ process: number }, "stopped");
    process.disconnect?.();
  }
}

type Given = {
  readonly config: RelayerConfig;
  readonly reread: () => RelayerConfig;
  readonly directories: readonly string[];
  readonly logger: ReturnType<typeof openLogger>;
  readonly passwords: PasswordSource;
  readonly supervised?: boolean;
  readonly setLogLevel?: (level: LogLevel) => void;
  readonly stop?: AbortSignal;
};

const MOST_PROCESSES = 128;

/** Errors: USAGE. */
function processesOf(text: string): number | "auto" {
  if (text === "auto") return text;
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > MOST_PROCESSES)
    throw new AppError("USAGE", `--processes ${text} cannot be right`, {
      why: `expected auto, or a number from 1 to ${MOST_PROCESSES}`,
    });
  return count;
}
