import type { OutgoingHttpHeaders } from "node:http";
import { Reject } from "../rejects.ts";
import type { Call } from "./call.ts";
import type { GrpcWire } from "./grpc.ts";
import { statusTrailers, trailersFrame } from "./grpc-message.ts";
import type { Http2Call } from "./http2-call.ts";

/** gRPC as it is: over HTTP/2, the status in trailers. */
export const plainWire = (call: Http2Call, contentType: string): GrpcWire => ({
  transport: "grpc",
  frames: (body) => body,
  answer: (headers, frame, status) =>
    call.sendWithTrailers({ "content-type": contentType, ...headers }, frame, statusTrailers(status)),
});

/** gRPC-Web: over any HTTP, the status in a last frame of the body; all of it in base64 if the client wants text. */
export function webWire(call: Call, contentType: string, cors: OutgoingHttpHeaders): GrpcWire {
  const isText = contentType.startsWith("application/grpc-web-text");
  return {
    transport: "grpc_web",
    frames: isText ? fromBase64 : (body) => body,
    answer: (headers, frame, status) => {
      const body = Buffer.concat([frame ?? Buffer.alloc(0), trailersFrame(status)]);
      const sent = isText ? Buffer.from(body.toString("base64"), "latin1") : body;
      call.send(200, { "content-type": contentType, ...cors, ...headers }, sent);
    },
  };
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
/** Clients write one, or one for each frame; millions of short ones would cost a hundred times their bytes. */
const MAX_PIECES = 64;

/** Clients may write several pieces of base64, each with its own padding. */
function fromBase64(body: Uint8Array): Uint8Array {
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString("latin1");
  const pieces: Buffer[] = [];
  for (let at = 0; at < text.length; ) {
    const piece = text.slice(at, endOfPiece(text, at));
    if (pieces.length === MAX_PIECES || !BASE64.test(piece))
      throw new Reject("bad_request", "the body is not base64");
    pieces.push(Buffer.from(piece, "base64"));
    at += piece.length;
  }
  return Buffer.concat(pieces);
}

/** Behind the padding, if there is one. */
function endOfPiece(text: string, from: number): number {
  let end = text.indexOf("=", from);
  if (end === -1) return text.length;
  while (text[end] === "=") end += 1;
  return end;
}
