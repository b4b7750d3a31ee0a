import { Flags } from "@oclif/core";
import { systemClock } from "../../base/clock.ts";
import { loadMinerConfig } from "../../runtime/config/miner.ts";
import { startMiner } from "../../runtime/miner/main.ts";
import { openLogger } from "../../runtime/ops/logger.ts";
import { RelayminerCommand } from "../base/command.ts";
import { checkKeys, insecureKeysFlag, trusting } from "../base/keys.ts";
import { passwordsOfProcess } from "../base/passwords.ts";
import { askedToEnd, reloadAtHangup, unlessStopped } from "../base/signals.ts";

export default class MinerStart extends RelayminerCommand {
  static override summary =
    "Claim and prove relays: collect them per session, claim, prove, follow the settlement";
  static override description =
    "Runs until SIGTERM or SIGINT, then hands its suppliers over and exits. Several miners with the same keys share the suppliers. SIGHUP, or `config reload`, takes configuration and keys anew without a restart. Logs go to stderr. The keys of the YAML file are those of the Go peer; docs/configuration.md lists them, docs/examples/miner.yaml is one to begin with. Exit codes: docs/errors.md.";
  static override examples = [
    "<%= config.bin %> <%= command.id %> --config miner.yaml",
    {
      description: "Check the configuration only",
      command: "<%= config.bin %> <%= command.id %> --config miner.yaml --check",
    },
  ];
  static override flags = {
    config: Flags.string({ summary: "YAML file of the miner", required: true, helpValue: "<file>" }),
    check: Flags.boolean({ summary: "Read and check the configuration and the keys, then exit" }),
    ...insecureKeysFlag,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(MinerStart);
    const read = () => trusting(loadMinerConfig(flags.config), flags);
    const { config, path, unused } = read();
    const passwords = passwordsOfProcess();
    if (flags.check) {
      const { suppliers, notes } = await checkKeys(config.keys, passwords);
      this.log(`${path} is valid: ${suppliers} suppliers`);
      for (const note of notes) this.log(`note  ${note}`);
      for (const why of unused) this.log(`unused  ${why}`);
      return;
    }
    const logger = openLogger({ ...config.logging, name: "miner" });
    for (const why of unused) logger.warn({ setting: why }, "this setting has no effect");
    const { asked, stop } = askedToEnd();
    const starting = startMiner({
      config,
      version: this.config.version,
      logger,
      clock: systemClock,
      passwords,
      reread: () => read().config,
      setLogLevel: (level) => {
        logger.level = level;
      },
      stop,
    });
    reloadAtHangup(starting);
    const miner = await unlessStopped(starting, stop);
    if (miner !== undefined) {
      logger.info({ signal: await asked }, "handing over");
      await miner.close();
    }
    logger.info({}, "stopped");
  }
}
