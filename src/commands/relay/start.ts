import { Flags } from "@oclif/core";
import { systemClock } from "../../base/clock.ts";
import { loadRelayerConfig } from "../../runtime/config/relayer.ts";
import { spoolDirectories } from "../../runtime/config/spool.ts";
import { openLogger } from "../../runtime/ops/logger.ts";
import { startRelayer } from "../../runtime/relayer/main.ts";
import { RelayminerCommand } from "../base/command.ts";
import { checkKeys, insecureKeysFlag, trusting } from "../base/keys.ts";
import { passwordsOfProcess } from "../base/passwords.ts";
import { onHangup, untilSignal } from "../base/signals.ts";

const untilAborted = (signal: AbortSignal): Promise<"command"> =>
  new Promise((resolve) => signal.addEventListener("abort", () => resolve("command"), { once: true }));

export default class RelayStart extends RelayminerCommand {
  static override summary = "Serve relays: check, answer, sign and store them for the miner";
  static override description =
    "Runs until SIGTERM, SIGINT or `relay drain`, then turns not ready, serves on for relay.drain.delay (not after SIGINT), finishes the relays in work and exits. SIGHUP, or `config reload`, takes configuration and keys anew without a restart. Logs go to stderr. The keys of the YAML file are those of the Go peer; docs/configuration.md lists them, docs/examples/relayer.yaml is one to begin with. Exit codes: docs/errors.md.";
  static override examples = [
    "<%= config.bin %> <%= command.id %> --config relayer.yaml",
    {
      description: "Check the configuration only",
      command: "<%= config.bin %> <%= command.id %> --config relayer.yaml --check",
    },
  ];
  static override flags = {
    config: Flags.string({ summary: "YAML file of the relayer", required: true, helpValue: "<file>" }),
    check: Flags.boolean({ summary: "Read and check the configuration and the keys, then exit" }),
    ...insecureKeysFlag,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(RelayStart);
    const read = () => trusting(loadRelayerConfig(flags.config), flags);
    const { config, path, unused } = read();
    const passwords = passwordsOfProcess();
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
    for (const why of unused) logger.warn({ setting: why }, "this setting has no effect");
    const relayer = await startRelayer({
      config,
      version: this.config.version,
      logger,
      clock: systemClock,
      spoolDirectories: spoolDirectories(config.relay.spool, path, this.config.dataDir),
      passwords,
      reread: () => read().config,
      setLogLevel: (level) => {
        logger.level = level;
      },
    });
    onHangup(() => relayer.reload("SIGHUP"));
    const why = await Promise.race([untilSignal(), untilAborted(relayer.drainAsked)]);
    logger.info({ why }, "draining");
    // Whoever presses Ctrl-C waits for no load balancer.
    await relayer.drain(why === "SIGINT" ? 0 : undefined);
    logger.info({}, "stopped");
  }
}
