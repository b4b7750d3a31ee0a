import { RelayminerCommand } from "./base/command.ts";

export default class Version extends RelayminerCommand {
  static override summary = "Print the version, the Node it runs on and the platform";
  static override enableJsonFlag = true;
  static override examples = ["<%= config.bin %> version", "<%= config.bin %> version --json"];

  async run(): Promise<{ version: string; node: string; platform: string }> {
    await this.parse(Version);
    const facts = {
      version: this.config.version,
      node: process.version,
      platform: `${this.config.platform}-${this.config.arch}`,
    };
    this.log(`relayminer ${facts.version} · node ${facts.node} · ${facts.platform}`);
    return facts;
  }
}
