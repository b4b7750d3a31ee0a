import { Flags } from "@oclif/core";
import { clientFlags, loadFlags, payloadFlag } from "../base/client/flags.ts";
import { relayOverWebSocket } from "../base/client/websocket.ts";
import { RelayminerCommand } from "../base/command.ts";

export default class RelayWebsocket extends RelayminerCommand {
  static override summary = "Send relays over a WebSocket, and check every message that comes back";
  static override description =
    "Opens a connection as a gateway does, with a signed handshake, sends --count messages one after another, and prints every message that the supplier has signed, pushes too. Each of them is a relay. With --load-test, --concurrency connections are kept busy instead.\nExit codes: 0 all good, 2 refused, closed, or not validly signed, 69 nobody answered.";
  static override enableJsonFlag = true;
  static override examples = [
    "<%= config.bin %> <%= command.id %> --localnet .localnet",
    {
      description: "Subscribe, and listen for ten seconds",
      command:
        '<%= config.bin %> <%= command.id %> --localnet .localnet --payload \'{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}\' --listen 10',
    },
    "<%= config.bin %> <%= command.id %> --localnet .localnet --load-test -n 500 -c 20",
  ];
  static override flags = {
    payload: payloadFlag,
    listen: Flags.integer({
      summary: "Seconds to listen for pushes after the last answer",
      default: 0,
      min: 0,
      max: 86_400,
      helpValue: "<seconds>",
    }),
    handshake: Flags.option({
      summary: "v2 names session and supplier and is signed; v1 is what older gateways send",
      options: ["v1", "v2"] as const,
      default: "v2",
    })(),
    frames: Flags.option({
      summary: "Kind of frame to send in; backends answer in the same",
      options: ["text", "binary"] as const,
      default: "text",
    })(),
    ...clientFlags,
    ...loadFlags,
    count: Flags.integer({
      char: "n",
      summary: "Messages on the connection, or in all in a load test",
      default: 1,
      min: 1,
      max: 1_000_000,
    }),
  };

  async run() {
    const { flags } = await this.parse(RelayWebsocket);
    const { json, exit } = await relayOverWebSocket(this, flags);
    process.exitCode = exit;
    return json;
  }
}
