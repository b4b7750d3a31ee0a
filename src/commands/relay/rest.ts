import { clientFlags, httpRequestFlags, loadFlags } from "../base/client/flags.ts";
import { relayOverHttp } from "../base/client/http.ts";
import { RelayminerCommand } from "../base/command.ts";

export default class RelayRest extends RelayminerCommand {
  static override summary = "Send a REST relay as a gateway does, and check the answer";
  static override description =
    "As `relay jsonrpc`, with a path and a method: GET / when nothing is given. The backend's answer goes to stdout, all else to stderr.\nExit codes: 0 all good, 2 a relay was refused, its answer is not valid, or it says an error inside, 69 nobody answered.";
  static override enableJsonFlag = true;
  static override examples = [
    "<%= config.bin %> <%= command.id %> --localnet .localnet --path '/v1/forecast?station=7'",
    {
      description: "With a body and a header",
      command:
        "<%= config.bin %> <%= command.id %> --localnet .localnet --method PUT --path /v1/stations/7 --payload @station.json --header 'accept: application/json'",
    },
    {
      description: "200 relays a second for ten seconds",
      command: "<%= config.bin %> <%= command.id %> --localnet .localnet --load-test -n 2000 --rps 200",
    },
  ];
  static override flags = { ...httpRequestFlags, ...clientFlags, ...loadFlags };

  async run() {
    const { flags } = await this.parse(RelayRest);
    const otherwise = { path: "/" };
    const { json, exit } = await relayOverHttp({
      command: this,
      flags,
      kind: "rest",
      localnetType: "rest",
      otherwise,
    });
    process.exitCode = exit;
    return json;
  }
}
