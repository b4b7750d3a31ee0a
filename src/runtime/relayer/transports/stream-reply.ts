import type { ServerResponse } from "node:http";
import type { StreamedReply } from "../exchange.ts";

/** An HTTP/1.1 answer in chunks, after which the connection is closed (relay-path 6.4). `onEnd` is called when the last piece is written. */
export function streamReply(
  response: ServerResponse,
  status: number,
  headers: readonly (readonly [string, string])[],
  onEnd: () => void,
): StreamedReply {
  if (!response.headersSent && !response.destroyed) {
    for (const [name, value] of headers) response.appendHeader(name, value);
    response.setHeader("connection", "close");
    response.writeHead(status);
  }
  return {
    write: (bytes) => response.destroyed || response.write(bytes),
    whenDrained: (act) => {
      response.once("drain", act);
    },
    end: () => {
      response.end();
      onEnd();
    },
    breakOff: () => {
      response.destroy();
    },
  };
}
