import { type ClientRequest, request as httpRequest, type IncomingHttpHeaders } from "node:http";
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

/** Sends one relay as a client does that knows streams; a batch that is not signed by the supplier makes `done` reject. */
export function openStream(network: Network, relay: RelayRequest, url: string = network.url): OpenStream {
  const batches: Batch[] = [];
  const began = performance.now();
  let hold = (_: boolean): void => undefined;
  const request = httpRequest(url, { method: "POST", agent: false });
  const done = new Promise<StreamRead>((resolve, reject) => {
    request.once("error", reject);
    request.once("response", (response) => {
      hold = (holds) => void (holds ? response.pause() : response.resume());
      let left = Buffer.alloc(0);
      const isStream = response.headers["transfer-encoding"] === "chunked";
      const over = (whole: boolean) => {
        const { statusCode: status = 0, headers } = response;
        resolve({
          status,
          headers,
          batches,
          text: batches.map(({ body }) => body).join(""),
          whole,
          bytes: left,
        });
      };
      response.on("data", (chunk: Buffer) => {
        left = Buffer.concat([left, chunk]);
        for (let at = left.indexOf(DELIMITER); isStream && at !== -1; at = left.indexOf(DELIMITER)) {
          try {
            batches.push({ body: opened(left.subarray(0, at), network), atMs: performance.now() - began });
          } catch (thrown) {
            reject(thrown);
            request.destroy();
            return;
          }
          left = left.subarray(at + DELIMITER.length);
        }
      });
      response.once("end", () => over(response.complete));
      response.once("error", () => over(false));
    });
  });
  done.catch(() => undefined);
  request.end(Buffer.from(RelayRequest.encode(relay)));
  return { request, batches, done, hold: (holds) => hold(holds) };
}

function opened(message: Uint8Array, network: Network): string {
  const signed = RelayResponse.decode(message);
  if (!verifyResponse(signed, network.supplier.publicKey)) throw new Error("a batch that is not signed");
  const inner = PoktHttpResponse.decode(signed.payload);
  if (inner.header.size > 0) throw new Error("a batch with headers");
  // Bytes one to one: a batch may end inside a character.
  return Buffer.from(inner.bodyBz).toString("latin1");
}
