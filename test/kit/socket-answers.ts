import type { Server } from "node:http";
import { WebSocketServer } from "ws";

/** Has an HTTP server take WebSockets and send every message back, after "re:". Each message is told to `onMessage`. */
export function answerSockets(server: Server, onMessage: () => void): void {
  const sockets = new WebSocketServer({ server, skipUTF8Validation: true, perMessageDeflate: false });
  sockets.on("connection", (socket) => {
    socket.on("error", () => undefined);
    socket.on("message", (data, isBinary) => {
      onMessage();
      socket.send(Buffer.concat([Buffer.from("re:"), data as Buffer]), { binary: isBinary });
    });
  });
}
