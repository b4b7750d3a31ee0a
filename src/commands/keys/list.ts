import { Flags } from "@oclif/core";
import { loadKeysSection } from "../../runtime/config/keys.ts";
import { loadKeys } from "../../runtime/keys/load-keys.ts";
import { RelayminerCommand } from "../base/command.ts";
import { insecureKeysFlag, trusting } from "../base/keys.ts";
import { passwordsOfProcess } from "../base/passwords.ts";

export default class KeysList extends RelayminerCommand {
  static override summary = "List the suppliers whose keys a configuration gives, and where each key is";
  static override description =
    "Reads the sources under `keys` as a start does: permissions, passwords and addresses are checked. Shows addresses and places, never a key. Nothing is contacted.";
  static override enableJsonFlag = true;
  static override examples = [
    "<%= config.bin %> <%= command.id %> --config relayer.yaml",
    {
      description: "Addresses only, for a script",
      command: "<%= config.bin %> <%= command.id %> --config miner.yaml --json | jq -r '.keys[].address'",
    },
  ];
  static override flags = {
    config: Flags.string({
      summary: "YAML of a relayer or a miner: its `keys` are read",
      required: true,
      helpValue: "<file>",
    }),
    ...insecureKeysFlag,
  };

  async run() {
    const { flags } = await this.parse(KeysList);
    const { config } = trusting({ config: { keys: loadKeysSection(flags.config) } }, flags);
    const { ring, notes } = await loadKeys(config.keys, passwordsOfProcess());
    for (const { address, from } of ring.sources) this.log(`${address}  ${from.join(", ")}`);
    for (const note of notes) this.log(`note  ${note}`);
    return { keys: ring.sources, notes };
  }
}
