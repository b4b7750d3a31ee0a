import { type ClientRequest, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { type ClientHttp2Session, constants } from "node:http2";
import { PoktHttpResponse } from "../../src/chain/proto/http-envelope.ts";
import { RelayRequest, RelayResponse } from "../../src/chain/proto/service.ts";
import { verifyResponse } from "../../src/chain/protocol/response-signature.ts";
import type { Network } from "./network.ts";

const DELIMITER = Buffer.from("||POKT_STREAM||");

/** A batch as it came: its body, and when. */
export type Batch = { readonly body: string; readonly atMs: number };

export type StreamRead = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly batches: readonly Batch[];
  /** All bodies in their order. */
  readonly text: string;
  /** Whether the answer came to its end; false when the connection broke. */
  readonly whole: boolean;
  /** Bytes of an answer that is no stream. */
  readonly bytes: Buffer;
};

export type OpenStream = {
  readonly request: ClientRequest;
  /** Batches so far. Each was split off at the delimiter without looking further, decoded, and its signature verified. */
  readonly batches: readonly Batch[];
  readonly done: Promise<StreamRead>;
  /** Reads no more until it is called with false. */
  hold(holds: boolean): void;
};

/** Splits what comes into batches. `add` throws on one that is not signed by the supplier. */
class BatchReader {
  readonly batches: Batch[] = [];
  left: Buffer = Buffer.alloc(0);
  readonly #network: Network;
  readonly #began = performance.now();

  constructor(network: Network) {
    this.#network = network;
  }

  add(chunk: Buffer): void {
    this.left = Buffer.concat([this.left, chunk]);
    for (let at = this.left.indexOf(DELIMITER); at !== -1; at = this.left.indexOf(DELIMITER)) {
      const body = opened(this.left.subarray(0, at), this.#network);
      this.batches.push({ body, atMs: performance.now() - this.#began });
      this.left = this.left.subarray(at + DELIMITER.length);
    }
  }

  result(status: number, headers: IncomingHttpHeaders, whole: boolean): StreamRead {
    const { batches, left: bytes } = this;
    return { status, headers, batches, text: batches.map(({ body }) => body).join(""), whole, bytes };
  }
}

/** Sends one relay as a client does that knows streams; a batch that is not signed by the supplier makes `done` reject. */
export function openStream(network: Network, relay: RelayRequest, url: string = network.url): OpenStream {
  const reader = new BatchReader(network);
  let hold = (_: boolean): void => undefined;
  const request = httpRequest(url, { method: "POST", agent: false });
  const done = new Promise<StreamRead>((resolve, reject) => {
    request.once("error", reject);
    request.once("response", (response) => {
      hold = (holds) => void (holds ? response.pause() : response.resume());
      const isStream = response.headers["transfer-encoding"] === "chunked";
      const { statusCode: status = 0, headers } = response;
      response.on("data", (chunk: Buffer) => {
        if (!isStream) {
          reader.left = Buffer.concat([reader.left, chunk]);
          return;
        }
        try {
          reader.add(chunk);
        } catch (thrown) {
          reject(thrown);
          request.destroy();
        }
      });
      response.once("end", () => resolve(reader.result(status, headers, response.complete)));
      response.once("error", () => resolve(reader.result(status, headers, false)));
    });
  });
  done.catch(() => undefined);
  request.end(Buffer.from(RelayRequest.encode(relay)));
  return { request, batches: reader.batches, done, hold: (holds) => hold(holds) };
}

export type OpenH2Stream = Pick<OpenStream, "batches" | "done"> & {
  /** Resets the stream; the connection stays. */
  reset(): void;
};

/** The same on a stream of HTTP/2. A stream that is reset is not whole. */
export function openH2Stream(
  network: Network,
  session: ClientHttp2Session,
  relay: RelayRequest,
): OpenH2Stream {
  const reader = new BatchReader(network);
  const stream = session.request({ ":method": "POST", ":path": "/" });
  const done = new Promise<StreamRead>((resolve, reject) => {
    let head: IncomingHttpHeaders & { readonly ":status"?: number | undefined } = {};
    stream.once("response", (headers) => {
      head = headers;
    });
    stream.on("data", (chunk: Buffer) => {
      try {
        reader.add(chunk);
      } catch (thrown) {
        reject(thrown);
      }
    });
    stream.once("error", () => undefined);
    stream.once("close", () =>
      resolve(reader.result(head[":status"] ?? 0, head, stream.rstCode === constants.NGHTTP2_NO_ERROR)),
    );
  });
  done.catch(() => undefined);
  stream.end(Buffer.from(RelayRequest.encode(relay)));
  return { batches: reader.batches, done, reset: () => stream.close(constants.NGHTTP2_CANCEL) };
}

function opened(message: Uint8Array, network: Network): string {
  const signed = RelayResponse.decode(message);
  if (!verifyResponse(signed, network.supplier.publicKey)) throw new Error("a batch that is not signed");
  const inner = PoktHttpResponse.decode(signed.payload);
  if (inner.header.size > 0) throw new Error("a batch with headers");
  // Bytes one to one: a batch may end inside a character.
  return Buffer.from(inner.bodyBz).toString("latin1");
}
