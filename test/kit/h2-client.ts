import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from "node:http2";

export type H2Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Uint8Array;
};

/** A connection of HTTP/2 without TLS, whose server is known to speak it. */
export const h2Session = (url: string, options = {}): ClientHttp2Session => {
  const session = connect(url, options);
  session.on("error", () => undefined);
  return session;
};

/** One request on a stream of its own. Rejects when the stream is reset. */
export function h2Request(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body: Uint8Array = new Uint8Array(0),
): Promise<H2Answer> {
  return new Promise((resolve, reject) => {
    // A GET would be ended before its body: whether there is one is said here.
    const stream = session.request(
      { ":method": "POST", ":path": "/", ...headers },
      { endStream: body.length === 0 },
    );
    const chunks: Buffer[] = [];
    let got: H2Answer["headers"] = {};
    stream.on("response", (response) => {
      got = response as H2Answer["headers"];
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      if (got[":status"] === undefined) return reject(new Error("the stream ended without an answer"));
      resolve({ status: Number(got[":status"]), headers: got, bytes: new Uint8Array(Buffer.concat(chunks)) });
    });
    stream.on("error", reject);
    if (body.length > 0) stream.end(body);
  });
}
