import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { Clock } from "../../../base/clock.ts";
import type { Closable } from "../../../base/close-stack.ts";
import type { WebSocketSettings } from "../../config/websocket.ts";
import type { Bridges, Opened } from "../bridge/bridges.ts";
import { Presence } from "../presence.ts";
import { Reject, toReject } from "../rejects.ts";
import { headProblem } from "./head.ts";
import { sourceOf } from "./source.ts";
import { type EndLimits, mostFragments, WebSocketEnd } from "./websocket-end.ts";

type Options = {
  readonly settings: WebSocketSettings;
  readonly limits: EndLimits;
  readonly bridges: Pick<Bridges, "open">;
  /** A handshake that was refused. */
  readonly refused: (reject: Reject) => void;
  readonly clock: Clock;
};

/** Takes a request to upgrade, and its socket from then on, as node:http's "upgrade" event gives them. */
export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export type WebSocketTransport = Closable & {
  readonly upgrade: Upgrade;
  /** Resolves when every connection is closed, or after `timeoutMs`. */
  idle(timeoutMs: number): Promise<void>;
};

const KEY = /^[+/0-9A-Za-z]{22}==$/;

/** WebSocket relays, on sockets that a listener hands over. */
export function openWebSocketTransport(options: Options): WebSocketTransport {
  const { settings, clock } = options;
  const sockets = new Set<Duplex>();
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: settings.max_message_bytes,
    maxFragments: mostFragments(settings),
    perMessageDeflate: false,
    skipUTF8Validation: true,
    // What was offered is the backend's affair, and PATH offers none (relay-path 6.6).
    handleProtocols: () => false,
  });
  return {
    upgrade: (request, socket, head) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      void upgraded(request, socket, { ...options, server, head });
    },
    idle: async (timeoutMs) => {
      const deadline = clock.monotonic() + timeoutMs;
      while (sockets.size > 0 && clock.monotonic() < deadline) await clock.sleep(10);
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

type Upgrading = Options & { readonly server: WebSocketServer; readonly head: Buffer };

/** Never rejects: whatever goes wrong is told to the client or the client is gone. */
async function upgraded(request: IncomingMessage, socket: Duplex, options: Upgrading): Promise<void> {
  const client = new Presence();
  const gone = () => client.leave();
  socket.once("close", gone);
  socket.on("error", gone);
  try {
    requireHandshake(request);
    const { bridges } = options;
    const opened = await bridges.open({
      header: (name) => headerOf(request, name),
      target: request.url ?? "/",
      address: sourceOf(request.socket.remoteAddress),
      client,
    });
    accept(request, socket, opened, options);
  } catch (thrown) {
    const reject = toReject(thrown);
    options.refused(reject);
    refuse(socket, reject);
  }
  socket.off("close", gone);
}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** All that ws would refuse, before anything is opened for it. Throws Reject bad_request. */
function requireHandshake(request: IncomingMessage): void {
  const problem = headProblem(request) ?? handshakeProblem(request);
  if (problem !== undefined) throw new Reject("bad_request", problem);
}

function handshakeProblem(request: IncomingMessage): string | undefined {
  const of = (name: string) => headerOf(request, name) ?? "";
  if (request.method !== "GET") return "an upgrade is asked for with GET";
  if (request.httpVersion !== "1.1") return "an upgrade needs HTTP/1.1";
  if (of("upgrade").toLowerCase() !== "websocket") return "the only upgrade here is websocket";
  if (!KEY.test(of("sec-websocket-key"))) return "Sec-WebSocket-Key is missing or not valid";
  if (of("sec-websocket-version") !== "13") return "Sec-WebSocket-Version must be 13";
  if (of("content-length") !== "" || of("transfer-encoding") !== "") return "an upgrade has no body";
  return undefined;
}

function accept(request: IncomingMessage, socket: Duplex, opened: Opened, options: Upgrading): void {
  const { server, head, limits } = options;
  // ws calls back at once, or not at all when the client has just gone.
  let isAccepted = false;
  server.handleUpgrade(request, socket, head, (webSocket) => {
    isAccepted = true;
    opened.accept(new WebSocketEnd(webSocket, socket, limits));
  });
  if (!isAccepted) opened.abandon();
}

function refuse(socket: Duplex, reject: Reject): void {
  if (socket.destroyed || !socket.writable) return;
  const { status, retryAfter } = reject;
  const body = Buffer.from(JSON.stringify({ error: reject.message, ...reject.told }), "utf8");
  const again = retryAfter === undefined ? "" : `retry-after: ${retryAfter}\r\n`;
  socket.end(
    Buffer.concat([
      Buffer.from(
        `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Refused"}\r\n${again}` +
          `content-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`,
        "latin1",
      ),
      body,
    ]),
  );
  // Whatever else it sends is not read; it may not keep the socket open for that.
  socket.once("finish", () => socket.destroy());
}
