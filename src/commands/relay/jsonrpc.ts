import { clientFlags, httpRequestFlags, loadFlags } from "../base/client/flags.ts";
import { relayOverHttp } from "../base/client/http.ts";
import { RelayminerCommand } from "../base/command.ts";

export default class RelayJsonrpc extends RelayminerCommand {
  static override summary = "Send a JSON-RPC relay as a gateway does, and check the answer";
  static override description =
    "Works with any relayer. The session, the ring's keys and the price come from the chain; the relay is signed, sent, and the supplier's signature over the answer verified. The backend's answer goes to stdout, all else to stderr. With --load-test (or --count above 1) many relays are sent and measured, with the pay that the chain will owe for them.\nExit codes: 0 all good, 2 a relay was refused, its answer is not valid, or it says an error inside, 69 nobody answered.";
  static override enableJsonFlag = true;
  static override examples = [
    "<%= config.bin %> <%= command.id %> --localnet .localnet",
    {
      description: "A supplier of your own, through the relayer that runs here",
      command:
        "<%= config.bin %> <%= command.id %> --node-rpc http://127.0.0.1:26657 --app-key-file app.key --service eth --supplier pokt1... --relayer-url http://127.0.0.1:8080",
    },
    {
      description: "A gateway's key signs; every supplier of the session is asked where it says on chain",
      command:
        "<%= config.bin %> <%= command.id %> --node-rpc https://rpc.example.com --gateway-key-file gateway.key --app pokt1... --service eth --all-suppliers",
    },
    {
      description: "Another request",
      command:
        '<%= config.bin %> <%= command.id %> --localnet .localnet --payload \'{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}\'',
    },
    {
      description: "1,000 relays, signed before the clock starts, 20 at a time",
      command: "<%= config.bin %> <%= command.id %> --localnet .localnet --load-test -n 1000 -c 20 --presign",
    },
  ];
  static override flags = { ...httpRequestFlags, ...clientFlags, ...loadFlags };

  async run() {
    const { flags } = await this.parse(RelayJsonrpc);
    const { json, exit } = await relayOverHttp({
      command: this,
      flags,
      kind: "jsonrpc",
      localnetType: "jsonrpc",
      otherwise: {
        path: "/",
        payload: '{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}',
      },
    });
    process.exitCode = exit;
    return json;
  }
}
