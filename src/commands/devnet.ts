import { readFileSync } from "node:fs";
import { Flags } from "@oclif/core";
import { AppError } from "../base/errors.ts";
import { startDevnet } from "../devnet/main.ts";
import { openLogger } from "../runtime/ops/logger.ts";
import { RelayminerCommand } from "./base/command.ts";
import { untilSignal } from "./base/signals.ts";

export default class Devnet extends RelayminerCommand {
  static override summary = "Run a Pocket chain of its own for tests, behind a CometBFT RPC listener";
  static override description =
    "Makes blocks and checks claims and proofs as the real chain does. `relayminer localnet` starts it with all it needs. Logs go to stderr.";
  static override hidden = true;
  static override flags = {
    genesis: Flags.string({
      summary: "YAML file with services, stakes and params",
      required: true,
      helpValue: "<file>",
    }),
    "rpc-host": Flags.string({ summary: "Address to listen on", default: "127.0.0.1", helpValue: "<host>" }),
    "rpc-port": Flags.integer({
      summary: "Port to listen on; 0 takes any free one",
      default: 26657,
      min: 0,
      max: 65_535,
    }),
    "block-time": Flags.integer({ summary: "Milliseconds a block; instead of the genesis'", min: 200 }),
    "commit-race": Flags.integer({
      summary: "Milliseconds for which a block is stored and not executed",
      default: 0,
      min: 0,
    }),
    "indexer-delay": Flags.integer({
      summary: "Milliseconds until a transaction is found by its hash",
      default: 0,
      min: 0,
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Devnet);
    const log = openLogger({ level: "info", format: "json", name: "devnet" });
    const blockTimeMs = flags["block-time"];
    const devnet = await startDevnet({
      genesis: genesisText(flags.genesis),
      host: flags["rpc-host"],
      rpcPort: flags["rpc-port"],
      log,
      settings: { commitRaceMs: flags["commit-race"], indexerDelayMs: flags["indexer-delay"] },
      ...(blockTimeMs === undefined ? {} : { blockTimeMs }),
    });
    await untilSignal();
    await devnet.close();
  }
}

function genesisText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    throw new AppError("CONFIG_MISSING", `The genesis ${path} cannot be read`, {}, thrown);
  }
}
