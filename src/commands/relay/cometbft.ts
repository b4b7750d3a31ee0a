import { clientFlags, httpRequestFlags, loadFlags } from "../base/client/flags.ts";
import { relayOverHttp } from "../base/client/http.ts";
import { RelayminerCommand } from "../base/command.ts";

export default class RelayCometbft extends RelayminerCommand {
  static override summary = "Send a CometBFT RPC relay as a gateway does, and check the answer";
  static override description =
    "As `relay jsonrpc`, for CometBFT's RPC: GET /status when nothing is given; --payload posts JSON-RPC. The backend's answer goes to stdout, all else to stderr.\nExit codes: 0 all good, 2 a relay was refused, its answer is not valid, or it says an error inside, 69 nobody answered.";
  static override enableJsonFlag = true;
  static override examples = [
    "<%= config.bin %> <%= command.id %> --localnet .localnet",
    "<%= config.bin %> <%= command.id %> --localnet .localnet --path '/block?height=5'",
    '<%= config.bin %> <%= command.id %> --localnet .localnet --payload \'{"jsonrpc":"2.0","id":1,"method":"health"}\'',
  ];
  static override flags = { ...httpRequestFlags, ...clientFlags, ...loadFlags };

  async run() {
    const { flags } = await this.parse(RelayCometbft);
    const otherwise = { path: "/status" };
    const { json, exit } = await relayOverHttp({
      command: this,
      flags,
      kind: "cometbft",
      localnetType: "cometbft",
      otherwise,
    });
    process.exitCode = exit;
    return json;
  }
}
