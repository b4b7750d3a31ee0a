import { once } from "node:events";
import type { IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type ClientOptions, WebSocket, WebSocketServer } from "ws";
import { EMPTY, utf8 } from "../../src/base/bytes.ts";
import { RelayRequest, RelayResponse } from "../../src/chain/proto/service.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { requestDigest } from "../../src/chain/protocol/relay-hash.ts";
import { signRing } from "../../src/chain/protocol/ring/sign.ts";
import type { Network } from "./network.ts";
import { runningTime } from "./running-time.ts";

export type SocketMessage = { readonly data: Buffer; readonly isBinary: boolean };

/** A WebSocket backend: a real server that records, and does what a test wants. */
export type SocketBackend = {
  readonly url: string;
  readonly got: SocketMessage[];
  /** Headers of each connection that was opened. */
  readonly opened: IncomingHttpHeaders[];
  readonly sockets: WebSocket[];
  /** Close codes of connections. */
  readonly closed: { readonly code: number; readonly reason: string }[];
  close(): Promise<void>;
};

/** `act` is what it does with each message; it echoes "re:" and the message unless told otherwise. */
export async function startSocketBackend(
  act: (socket: WebSocket, message: SocketMessage) => void = echo,
  { path = "", onOpen }: { readonly path?: string; readonly onOpen?: (socket: WebSocket) => void } = {},
): Promise<SocketBackend> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", skipUTF8Validation: true });
  await once(server, "listening");
  const got: SocketMessage[] = [];
  const opened: IncomingHttpHeaders[] = [];
  const sockets: WebSocket[] = [];
  const closed: { code: number; reason: string }[] = [];
  server.on("connection", (socket, request) => {
    opened.push({ ...request.headers, ":path": request.url });
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.on("message", (data, isBinary) => {
      const message = { data: data as Buffer, isBinary };
      got.push(message);
      act(socket, message);
    });
    socket.on("close", (code, reason) => closed.push({ code, reason: reason.toString() }));
    onOpen?.(socket);
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    got,
    opened,
    sockets,
    closed,
    close: async () => {
      for (const socket of sockets) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function echo(socket: WebSocket, { data, isBinary }: SocketMessage): void {
  socket.send(Buffer.concat([Buffer.from("re:"), data]), { binary: isBinary });
}

type MessageHow = {
  readonly signer?: Network["gateway"];
  readonly supplier?: string;
};

/** A message of a client: a relay request whose payload is the application's own message. */
export function signMessage(
  network: Network,
  header: SessionHeader,
  payload: string | Uint8Array,
  { signer = network.gateway, supplier = network.supplier.address }: MessageHow = {},
): Buffer {
  const meta = { sessionHeader: header, signature: EMPTY, supplierOperatorAddress: supplier };
  const bytes = typeof payload === "string" ? utf8(payload) : payload;
  const publicKeys = [network.application.publicKey, signer.publicKey];
  const digest = requestDigest({ meta, payload: bytes });
  const signature = signRing({ publicKeys, signerIndex: 1, privateKey: signer.privateKey, digest });
  return Buffer.from(RelayRequest.encode({ meta: { ...meta, signature }, payload: bytes }));
}

/** The headers that PATH opens a WebSocket with (relay-path 6.6). */
export function handshakeHeaders(
  network: Network,
  header: SessionHeader,
  how: MessageHow = {},
): Record<string, string> {
  const { meta } = RelayRequest.decode(signMessage(network, header, EMPTY, how));
  return {
    "Target-Service-Id": header.serviceId,
    "App-Address": header.applicationAddress,
    "Rpc-Type": "2",
    "Pocket-Session-Id": header.sessionId,
    "Pocket-Session-Start-Height": String(header.sessionStartBlockHeight),
    "Pocket-Session-End-Height": String(header.sessionEndBlockHeight),
    "Pocket-Supplier-Address": meta.supplierOperatorAddress,
    "Pocket-Signature": Buffer.from(meta.signature).toString("base64"),
  };
}

/** What an older client sends. */
export const unsignedHeaders = (header: SessionHeader): Record<string, string> => ({
  "Target-Service-Id": header.serviceId,
  "App-Address": header.applicationAddress,
  "Rpc-Type": "2",
});

/** A client's end, with all that it got. */
export class SocketClient {
  readonly got: SocketMessage[] = [];
  readonly socket: WebSocket;
  closed: { readonly code: number; readonly reason: string } | undefined;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data, isBinary) => this.got.push({ data: data as Buffer, isBinary }));
    socket.on("close", (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
    socket.on("error", () => undefined);
  }

  /** Opens it; rejects with the status in the message when that is refused. */
  static async open(
    url: string,
    headers: Record<string, string>,
    options: ClientOptions = {},
  ): Promise<SocketClient> {
    const socket = new WebSocket(url.replace(/^http/, "ws"), {
      headers,
      skipUTF8Validation: true,
      perMessageDeflate: false,
      ...options,
    });
    const client = new SocketClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    return client;
  }

  send(data: Buffer, isBinary = true): void {
    this.socket.send(data, { binary: isBinary });
  }

  /** Sends a message and waits for what comes next: the bytes of an answer, or the code that the connection is closed with. */
  next(data: Buffer): Promise<Buffer | number> {
    const { socket } = this;
    return new Promise((resolve) => {
      const answered = (bytes: unknown) => {
        socket.off("close", closed);
        resolve(bytes as Buffer);
      };
      const closed = (code: number) => {
        socket.off("message", answered);
        resolve(code);
      };
      socket.once("message", answered);
      socket.once("close", closed);
      socket.send(data);
    });
  }

  /** The message with this index, as soon as it is there. */
  async message(index: number): Promise<SocketMessage> {
    await until(() => this.got.length > index || this.closed !== undefined, `message ${index}`);
    const message = this.got[index];
    if (message === undefined)
      throw new Error(`closed before message ${index}: ${JSON.stringify(this.closed)}`);
    return message;
  }

  async response(index: number): Promise<RelayResponse> {
    return RelayResponse.decode((await this.message(index)).data);
  }

  async closing(): Promise<{ readonly code: number; readonly reason: string }> {
    await until(() => this.closed !== undefined, "the close");
    if (this.closed === undefined) throw new Error("not closed");
    return this.closed;
  }
}

/** Waits until it is so; throws when it is not within ten seconds. */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  what: string,
  ms = 10_000,
): Promise<void> {
  const deadline = runningTime() + ms;
  while (!(await isSo())) {
    if (runningTime() > deadline) throw new Error(`waited in vain for ${what}`);
    await sleep(5);
  }
}
