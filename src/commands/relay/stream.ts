import { HTTP_KINDS } from "../../runtime/config/backends.ts";
import { clientFlags, httpRequestFlags, loadFlags, rpcTypeFlag, timeoutFlag } from "../base/client/flags.ts";
import { relayOverHttp } from "../base/client/http.ts";
import { RelayminerCommand } from "../base/command.ts";

export default class RelayStream extends RelayminerCommand {
  static override summary = "Send a relay whose answer comes as a stream, and check every batch of it";
  static override description =
    "For services whose backend answers with Server-Sent Events or lines of JSON: the relayer passes them on in batches, each signed by the supplier. Batches go to stdout as soon as they are verified. The whole stream is one relay.\nExit codes: 0 all good, 2 a relay was refused, a batch is not valid, or it says an error inside, 69 nobody answered.";
  static override enableJsonFlag = true;
  static override examples = [
    "<%= config.bin %> <%= command.id %> --localnet .localnet",
    "<%= config.bin %> <%= command.id %> --localnet .localnet --path '/v1/ticks?count=20'",
    {
      description: "A chat completion, streamed",
      command:
        "<%= config.bin %> <%= command.id %> --node-rpc http://127.0.0.1:26657 --app-key-file app.key --service llm --path /v1/chat/completions --payload @request.json --timeout 600",
    },
  ];
  static override flags = {
    ...httpRequestFlags,
    "rpc-type": rpcTypeFlag(HTTP_KINDS, "rest"),
    ...clientFlags,
    timeout: timeoutFlag(600, "Seconds to wait for a whole stream"),
    ...loadFlags,
  };

  async run() {
    const { flags } = await this.parse(RelayStream);
    const { json, exit } = await relayOverHttp({
      command: this,
      flags,
      kind: flags["rpc-type"],
      localnetType: "stream",
      otherwise: { path: "/v1/ticks" },
      live: true,
    });
    process.exitCode = exit;
    return json;
  }
}
