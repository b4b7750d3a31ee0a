import type { Server } from "node:http";
import { type WebSocket, WebSocketServer } from "ws";
import type { Clock } from "../../../base/clock.ts";
import type { Closable } from "../../../base/close-stack.ts";
import { digestOf, jsonRpcAnswer } from "./demo-answers.ts";

const MAX_MESSAGE_BYTES = 1_048_576;
const PUSH_EVERY_MS = 500;
const MAX_PUSHES = 10_000;

/** JSON-RPC over WebSocket on a server: every request is answered; after eth_subscribe come pushes, until the client is gone. */
export function attachWebSocket(server: Server, clock: Clock): Closable {
  const sockets = new WebSocketServer({ server, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false });
  const stop = new AbortController();
  sockets.on("connection", (socket) => {
    socket.on("error", () => socket.terminate());
    socket.on("message", (data, isBinary) => {
      try {
        respond(socket, String(data), isBinary, { clock, signal: stop.signal });
      } catch {
        socket.send('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no JSON"}}');
      }
    });
  });
  return {
    close: () => {
      stop.abort();
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
    },
  };
}

type Pushing = { readonly clock: Clock; readonly signal: AbortSignal };

/** Throws on what is no JSON. */
function respond(socket: WebSocket, text: string, binary: boolean, pushing: Pushing): void {
  const { method } = JSON.parse(text) as { method?: unknown };
  const answer = jsonRpcAnswer(text);
  socket.send(JSON.stringify(answer), { binary });
  if (method === "eth_subscribe") void push(socket, answer.result, binary, pushing);
}

async function push(
  socket: WebSocket,
  subscription: string,
  binary: boolean,
  { clock, signal }: Pushing,
): Promise<void> {
  for (let number = 1; number <= MAX_PUSHES; number++) {
    await clock.sleep(PUSH_EVERY_MS, signal);
    if (signal.aborted || socket.readyState !== socket.OPEN) return;
    const result = { number: `0x${number.toString(16)}`, hash: digestOf(`head ${number}`) };
    const params = { subscription, result };
    socket.send(JSON.stringify({ jsonrpc: "2.0", method: "eth_subscription", params }), { binary });
  }
}
