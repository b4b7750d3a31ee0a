import type { ClientHttp2Session } from "node:http2";
import { status } from "@grpc/grpc-js";
import { Pool } from "undici";
import { RelayResponse } from "../../src/chain/proto/service.ts";
import { verifyResponse } from "../../src/chain/protocol/response-signature.ts";
import type { REJECTS } from "../../src/runtime/relayer/rejects.ts";
import { type GrpcClient, grpcClient } from "./grpc-client.ts";
import { h2Request, h2Session } from "./h2-client.ts";
import type { Network } from "./network.ts";
import { SocketClient } from "./websocket.ts";

type Headers = Readonly<Record<string, string>>;
type Row = (typeof REJECTS)[keyof typeof REJECTS];

/** "served" for an answer with the supplier's signature; else the status that the transport tells. */
export type Outcome = "served" | number;

/** A way for a relay to come in. Tests of what must hold on every transport go through all of them. */
export type TransportUnderTest = {
  readonly name: string;
  /** Sends a serialized request, with headers around it. Throws on an answer that claims to be good and is not signed. */
  readonly send: (network: Network, body: Uint8Array, headers?: Headers) => Promise<Outcome>;
  /** What a refusal is told as. */
  readonly told: (row: Row) => Outcome;
  /** Whether relays are checked before they are served, in whatever mode the service is. */
  readonly checksFirst?: boolean;
};

const SEND_RELAY = "/pocket.service.RelayService/SendRelay";

function requireSigned(network: Network, response: RelayResponse | undefined): "served" {
  if (response === undefined || !verifyResponse(response, network.supplier.publicKey))
    throw new Error("a good answer that is not signed");
  return "served";
}

/** What is opened for a relayer once and used by all who send to it, as long as the tests run. */
function perRelayer<Client>(open: (url: string) => Client): (network: Network) => Client {
  const opened = new Map<string, Client>();
  return ({ url }) => {
    const client = opened.get(url) ?? open(url);
    opened.set(url, client);
    return client;
  };
}

const pool = perRelayer((url) => new Pool(url, { connections: 48, pipelining: 1 }));
const sessions = perRelayer((url): { session: ClientHttp2Session } => ({ session: h2Session(url) }));
const clients = perRelayer((url): GrpcClient => grpcClient(url));

/** The relayer may end a connection that has sent much nonsense; the next relay opens another, as clients do. */
function sessionOf(network: Network): ClientHttp2Session {
  const held = sessions(network);
  if (held.session.closed || held.session.destroyed) held.session = h2Session(network.url);
  return held.session;
}

const http: TransportUnderTest = {
  name: "HTTP/1.1",
  send: async (network, body, headers = {}) => {
    const answer = await pool(network).request({ method: "POST", path: "/", body, headers });
    const bytes = new Uint8Array(await answer.body.arrayBuffer());
    if (answer.statusCode !== 200) return answer.statusCode;
    return requireSigned(network, RelayResponse.decode(bytes));
  },
  told: ({ http: code }) => code,
};

const h2c: TransportUnderTest = {
  name: "HTTP/2",
  send: async (network, body, headers = {}) => {
    const answer = await h2Request(sessionOf(network), headers, body);
    return answer.status === 200 ? requireSigned(network, RelayResponse.decode(answer.bytes)) : answer.status;
  },
  told: ({ http: code }) => code,
};

/** grpc-js writes the codes in capitals. */
const grpcCode = ({ grpc }: Row): number =>
  status[grpc.replace(/(?<=.)(?=[A-Z])/g, "_").toUpperCase() as keyof typeof status];

const grpc: TransportUnderTest = {
  name: "gRPC",
  send: async (network, body, metadata = {}) => {
    const { code, response } = await clients(network).call(body, { metadata });
    return code === status.OK ? requireSigned(network, response) : code;
  },
  told: grpcCode,
};

const grpcWeb: TransportUnderTest = {
  name: "gRPC-Web",
  send: async (network, body, outer = {}) => {
    const frame = Buffer.alloc(5 + body.length);
    frame.writeUInt32BE(body.length, 1);
    frame.set(body, 5);
    const headers = { ...outer, "content-type": "application/grpc-web+proto" };
    const answer = await pool(network).request({ method: "POST", path: SEND_RELAY, headers, body: frame });
    const { message, trailers } = framesOf(Buffer.from(await answer.body.arrayBuffer()));
    const code = Number(/grpc-status: ?(\d+)/i.exec(trailers)?.[1] ?? answer.headers["grpc-status"]);
    return code === status.OK ? requireSigned(network, message && RelayResponse.decode(message)) : code;
  },
  told: grpcCode,
};

/** The message and the trailers, which gRPC-Web sends as a frame of their own. */
function framesOf(bytes: Buffer): { message: Uint8Array | undefined; trailers: string } {
  let message: Uint8Array | undefined;
  let trailers = "";
  for (let at = 0; at + 5 <= bytes.length; ) {
    const content = bytes.subarray(at + 5, at + 5 + bytes.readUInt32BE(at + 1));
    if ((bytes[at] ?? 0) & 0x80) trailers = content.toString("latin1");
    else message = new Uint8Array(content);
    at += 5 + content.length;
  }
  return { message, trailers };
}

const idle = perRelayer((): SocketClient[] => []);
const HANDSHAKE = { "Target-Service-Id": "kit-svc", "Rpc-Type": "2" };

/** One message at a time on a connection, which is used again after a good answer: a refusal closes it. */
const webSocket: TransportUnderTest = {
  name: "WebSocket",
  send: async (network, body, headers) => {
    const held = headers === undefined ? idle(network).pop() : undefined;
    const client = held ?? (await SocketClient.open(network.url, { ...HANDSHAKE, ...headers }));
    const outcome = await client.next(Buffer.from(body));
    if (typeof outcome === "number") return outcome;
    const served = requireSigned(network, RelayResponse.decode(outcome));
    if (headers === undefined) idle(network).push(client);
    else client.socket.close();
    return served;
  },
  told: ({ websocket }) => websocket,
  checksFirst: true,
};

/** WebSocket needs a network whose backend has it (`webSocket: true`). */
export const TRANSPORTS: readonly TransportUnderTest[] = [http, h2c, grpc, grpcWeb, webSocket];
