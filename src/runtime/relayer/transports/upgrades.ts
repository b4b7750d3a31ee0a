import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { MAX_HEADERS } from "./head.ts";
import type { Upgrade } from "./websocket.ts";

const OFFER = /^(upgrade|http2-settings)$/i;
const CONNECTION = /^connection$/i;

type Given = {
  readonly webSocket: Upgrade;
  /** Gives a connection to the server of HTTP/1.1. */
  readonly serve: (socket: Socket) => void;
};

/**
 * node:http hands over every request that offers an upgrade. Those for a WebSocket are taken; any other offer, such as the `h2c` of
 * clients that would rather speak HTTP/2, is ignored, as a server may (RFC 9110, 7.8): the request is put back in front of its connection
 * without the offer, and served as one of HTTP/1.1.
 */
export function takeUpgrades({ webSocket, serve }: Given): Upgrade {
  return (request, socket, rest) => {
    if (isAnswering(socket)) return void socket.destroy();
    if (isForWebSocket(request)) return webSocket(request, socket, rest);
    // node:http left out what came after so many headers: the body's length could be among it.
    if (request.rawHeaders.length >= 2 * MAX_HEADERS) return webSocket(request, socket, rest);
    socket.unshift(Buffer.concat([headWithoutOffer(request), rest]));
    serve(request.socket);
  };
}

/** An earlier request of the same connection is not answered yet: whatever were sent now would be taken for its answer. */
const isAnswering = (socket: Duplex): boolean => Boolean(Reflect.get(socket, "_httpMessage"));

const isForWebSocket = ({ headers }: IncomingMessage): boolean =>
  headers.upgrade?.toLowerCase().includes("websocket") === true;

function headWithoutOffer({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  let head = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    const value = rawHeaders[index + 1] ?? "";
    if (OFFER.test(name)) continue;
    head += `${name}: ${CONNECTION.test(name) ? withoutOffer(value) : value}\r\n`;
  }
  return Buffer.from(`${head}\r\n`, "latin1");
}

const withoutOffer = (connection: string): string =>
  connection
    .split(",")
    .filter((option) => !OFFER.test(option.trim()))
    .join(",");
