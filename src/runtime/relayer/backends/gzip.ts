import { createGunzip } from "node:zlib";
import { Reject } from "../rejects.ts";
import type { AnswerLimits } from "./answer-limits.ts";
import type { BackendAnswer } from "./backend.ts";

const CHUNK_BYTES = 65_536;

export const isGzip = ({ body, headers }: BackendAnswer): boolean =>
  body.length > 0 &&
  ((body[0] === 0x1f && body[1] === 0x8b) ||
    headers.some(([name, value]) => name === "content-encoding" && value.toLowerCase() === "gzip"));

/**
 * A gzip body is opened and its Content-Encoding removed; one that does not open goes on as it came (relay-path 6.3). Throws Reject
 * response_too_large, overloaded, and then stops at once: a bomb is not blown up any further.
 */
export async function inflated(answer: BackendAnswer, limits: AnswerLimits): Promise<BackendAnswer> {
  const body = await inflate(answer.body, limits);
  if (body === undefined) return answer;
  const headers = answer.headers.filter(([name]) => name !== "content-encoding" && name !== "content-length");
  return { ...answer, body, headers };
}

/** Undefined when it is no gzip. */
function inflate(body: Uint8Array, { maxBytes, memory }: AnswerLimits): Promise<Uint8Array | undefined> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  const chunks: Buffer[] = [];
  let size = 0;
  const opened = new Promise<Uint8Array | undefined>((resolve, reject) => {
    gunzip.on("data", (chunk: Buffer) => {
      if (size + chunk.length > maxBytes) reject(new Reject("response_too_large", "inflated"));
      else if (memory.take(chunk.length)) {
        size += chunk.length;
        chunks.push(chunk);
        return;
      } else reject(new Reject("overloaded", "too many large answers at once"));
      gunzip.destroy();
    });
    gunzip.on("error", () => resolve(undefined));
    gunzip.on("end", () => resolve(new Uint8Array(Buffer.concat(chunks))));
    gunzip.end(body);
  });
  return opened.finally(() => memory.release(size));
}
