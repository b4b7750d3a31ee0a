import { EMPTY, fromHex, toHex, utf8 } from "../../../base/bytes.ts";
import { AppError } from "../../../base/errors.ts";
import { PoktHttpRequest } from "../../../chain/proto/http-envelope.ts";
import { headerMap } from "../../../chain/protocol/http-headers.ts";
import { framed, GRPC_HEADERS } from "../../../runtime/client/grpc-frame.ts";
import { textOf } from "./payload.ts";

/** A method that most gRPC servers have. */
const HEALTH = "/grpc.health.v1.Health/Check";

/** A unary call for a gRPC backend inside a relay: the method as path, the message in gRPC's frame (relay-path 6.5). Throws AppError USAGE. */
export function grpcPayload(flags: {
  readonly path?: string | undefined;
  readonly payload?: string | undefined;
}): (url: string) => Uint8Array {
  const path = flags.path ?? HEALTH;
  if (!/^\/[\w.]+\/\w+$/.test(path))
    throw new AppError("USAGE", `--path ${path} cannot be right`, {
      why: "a gRPC method is /package.Service/Method",
    });
  const bodyBz = framed(flags.payload === undefined ? EMPTY : messageOf(textOf(flags.payload)));
  const header = headerMap(GRPC_HEADERS);
  return (url) =>
    PoktHttpRequest.encode({ method: "POST", header, url: `${url.replace(/\/+$/, "")}${path}`, bodyBz });
}

function messageOf(text: string): Uint8Array {
  if (!text.startsWith("0x")) return utf8(text);
  if (text.length % 2 !== 0 || /[^0-9a-fA-F]/.test(text.slice(2)))
    throw new AppError("USAGE", "--payload cannot be right", {
      why: "after 0x, an even number of hex digits",
    });
  return fromHex(text.slice(2));
}

/** The messages of a gRPC body for people: text where it is text, else hex; one a line. */
export function grpcLines(body: Uint8Array): Uint8Array {
  const lines: string[] = [];
  for (let at = 0; at + 5 <= body.length; ) {
    const length = new DataView(body.buffer, body.byteOffset).getUint32(at + 1);
    lines.push(lineOf(body.subarray(at + 5, at + 5 + length)));
    at += 5 + length;
  }
  return utf8(lines.map((line) => `${line}\n`).join(""));
}

function lineOf(message: Uint8Array): string {
  const text = new TextDecoder().decode(message);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what has them is no text
  return /[\u0000-\u0008\u000e-\u001f\ufffd]/.test(text) ? `0x${toHex(message)}` : text;
}
