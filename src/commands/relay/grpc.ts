import { systemClock } from "../../base/clock.ts";
import { grpcSender } from "../../runtime/client/sender.ts";
import { BACKEND_KINDS } from "../../runtime/config/backends.ts";
import { clientFlags, httpRequestFlags, loadFlags, rpcTypeFlag } from "../base/client/flags.ts";
import { grpcLines, grpcPayload } from "../base/client/grpc-payload.ts";
import { shownKeys } from "../base/client/keys.ts";
import { openClient } from "../base/client/open.ts";
import { httpPayload } from "../base/client/payload.ts";
import { sendAsAsked, warnOfShownKeys } from "../base/client/run.ts";
import { RelayminerCommand } from "../base/command.ts";

const KINDS = BACKEND_KINDS.filter((kind) => kind !== "websocket");

export default class RelayGrpc extends RelayminerCommand {
  static override summary = "Send a relay over gRPC, and check the answer";
  static override description =
    "The relay goes to pocket.service.RelayService/SendRelay over HTTP/2, with TLS where the URL begins with https. --rpc-type tells which backend of the service is asked: a gRPC one gets --path as its method and --payload as its message (text, or hex after 0x), the others an HTTP request as with `relay jsonrpc`.\nExit codes: 0 all good, 2 a relay was refused, its answer is not valid, or it says an error inside, 69 nobody answered.";
  static override enableJsonFlag = true;
  static override examples = [
    "<%= config.bin %> <%= command.id %> --localnet .localnet",
    "<%= config.bin %> <%= command.id %> --localnet .localnet --path /demo.Oracle/Ask --payload hello",
    {
      description: "A JSON-RPC backend, asked over gRPC",
      command: "<%= config.bin %> <%= command.id %> --localnet .localnet --service eth --rpc-type jsonrpc",
    },
    "<%= config.bin %> <%= command.id %> --localnet .localnet --load-test -n 500 -c 50",
  ];
  static override flags = {
    ...httpRequestFlags,
    "rpc-type": rpcTypeFlag(KINDS, "grpc"),
    ...clientFlags,
    ...loadFlags,
  };

  async run() {
    const { flags } = await this.parse(RelayGrpc);
    warnOfShownKeys(shownKeys(this.argv));
    const kind = flags["rpc-type"];
    const otherwise = {
      path: "/",
      payload: '{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}',
    };
    const payload = kind === "grpc" ? grpcPayload(flags) : httpPayload(flags, otherwise);
    const opened = await openClient(flags, { kind, localnetType: kind, payload });
    try {
      const timeoutMs = flags.timeout * 1_000;
      const sender = opened.owned.own(
        grpcSender({ kind, clock: systemClock, timeoutMs, headers: opened.headers }),
      );
      const { json, exit } = await sendAsAsked({
        opened,
        sender,
        form: "http",
        kind: `${kind} over gRPC`,
        flags,
        json: this.jsonEnabled(),
        ...(kind === "grpc" ? { render: grpcLines } : {}),
      });
      process.exitCode = exit;
      return json;
    } finally {
      await opened.owned.close();
    }
  }
}
