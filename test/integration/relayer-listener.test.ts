import { createHash } from "node:crypto";
import type { ClientHttp2Session } from "node:http2";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PoktHttpResponse } from "../../src/chain/proto/http-envelope.ts";
import { MinedRelayMessage } from "../../src/chain/proto/mined-relay.ts";
import { RelayRequest, RelayResponse } from "../../src/chain/proto/service.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { verifyResponse } from "../../src/chain/protocol/response-signature.ts";
import { type GrpcClient, grpcClient } from "../kit/grpc-client.ts";
import { framed, openFrames } from "../kit/grpc-frames.ts";
import { h2Request, h2Session } from "../kit/h2-client.ts";
import { type Network, startNetwork } from "../kit/network.ts";
import { post, until } from "../kit/post.ts";
import { streamEntries } from "../kit/stream.ts";

const body = (id: number) => JSON.stringify({ jsonrpc: "2.0", method: "eth_blockNumber", params: [], id });
const SEND_RELAY = "/pocket.service.RelayService/SendRelay";

describe.each(["metered", "with the meter off"] as const)("one port, %s", (metering) => {
  let network: Network;
  let header: SessionHeader;
  let session: ClientHttp2Session;
  let grpc: GrpcClient;
  beforeAll(async () => {
    const relay_meter = { enabled: metering === "metered" };
    network = await startNetwork("eager", { relayer: { relay_meter } });
    await network.devnet.control("halt", {});
    header = await network.header();
    session = h2Session(network.url);
    grpc = grpcClient(network.url);
  });
  afterAll(async () => {
    grpc.close();
    session.close();
    await network.close();
  });

  test("a connection that asked for a health path serves on, and answers requests in a row in their order", async () => {
    const { hostname, port } = new URL(network.url);
    const socket = connect(Number(port), hostname);
    let text = "";
    socket.on("data", (data) => (text += String(data)));
    const answers = () => text.match(/HTTP\/1\.1 200/g)?.length ?? 0;
    const ask = "GET /health HTTP/1.1\r\nhost: x\r\n\r\n";
    for (const [requests, all] of [
      [1, 1],
      [3, 4],
    ] as const) {
      socket.write(ask.repeat(requests));
      expect(
        await until(
          async () => answers(),
          (count) => count === all,
        ),
      ).toBe(all);
    }
    expect(text.toLowerCase()).not.toContain("connection: close");
    socket.destroy();
  });

  const innerOf = (bytes: Uint8Array) => {
    const response = RelayResponse.decode(bytes);
    expect(verifyResponse(response, network.supplier.publicKey)).toBe(true);
    return PoktHttpResponse.decode(response.payload);
  };

  const send: Record<string, (request: RelayRequest) => Promise<"served" | "refused">> = {
    "HTTP/1.1": async (request) => ((await post(network, request)).status === 200 ? "served" : "refused"),
    h2c: async (request) => {
      const { status, bytes } = await h2Request(session, {}, RelayRequest.encode(request));
      if (status === 200) innerOf(bytes);
      return status === 200 ? "served" : "refused";
    },
    gRPC: async (request) => {
      const { code, response } = await grpc.call(request);
      if (response) expect(verifyResponse(response, network.supplier.publicKey)).toBe(true);
      return code === 0 ? "served" : "refused";
    },
    "gRPC-Web over HTTP/1.1": async (request) => {
      const headers = { "content-type": "application/grpc-web+proto" };
      const sent = Buffer.from(framed(RelayRequest.encode(request)));
      const answer = await fetch(`${network.url}${SEND_RELAY}`, { method: "POST", headers, body: sent });
      const {
        messages: [message],
        trailers,
      } = openFrames(new Uint8Array(await answer.arrayBuffer()));
      if (message) innerOf(message);
      return message && trailers.startsWith("grpc-status: 0\r\n") ? "served" : "refused";
    },
    "gRPC-Web as text over h2c": async (request) => {
      const headers = { "content-type": "application/grpc-web-text", ":path": SEND_RELAY };
      const sent = Buffer.from(Buffer.from(framed(RelayRequest.encode(request))).toString("base64"));
      const { bytes } = await h2Request(session, headers, sent);
      const {
        messages: [message],
        trailers,
      } = openFrames(Buffer.from(Buffer.from(bytes).toString("latin1"), "base64"));
      if (message) innerOf(message);
      return message && trailers.startsWith("grpc-status: 0\r\n") ? "served" : "refused";
    },
  };

  test.each(Object.keys(send))(
    "a relay over %s is served, signed and stored with its weight",
    async (name) => {
      const before = (await streamEntries(network, 0)).length;
      expect(await send[name]?.(network.sign(header, body(1)))).toBe("served");
      const entries = await streamEntries(network, before + 1);
      expect(MinedRelayMessage.decode(entries.at(-1) ?? new Uint8Array()).computeUnitsPerRelay).toBe(7n);
    },
  );

  test.each(Object.keys(send))(
    "over %s a forged relay is refused before the backend, and not stored",
    async (name) => {
      const before = network.backendCalls();
      const stored = (await streamEntries(network, 0)).length;
      const request = network.sign(header, body(2));
      const forged = [
        { ...request, meta: { ...request.meta, signature: network.sign(header, body(3)).meta.signature } },
        { ...request, payload: network.sign(header, body(4)).payload },
        network.sign(header, body(5), { signer: network.newcomer }),
        network.sign(
          { ...header, sessionId: createHash("sha256").update("no session").digest("hex") },
          body(6),
        ),
      ];
      for (const one of forged) expect(await send[name]?.(one)).toBe("refused");
      expect(network.backendCalls()).toBe(before);
      expect((await streamEntries(network, 0)).length).toBe(stored);
    },
  );
});
