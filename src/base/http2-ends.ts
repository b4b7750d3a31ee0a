import type { Http2Session, ServerHttp2Session } from "node:http2";

/**
 * Makes a session end after it has read what it has, never while it reads. Node ends one at once when its peer says goodbye, inside the
 * parser, and a parser that was ended so aborts the process over a frame of a wrong size further on in the same packet (nghttp2 before
 * 1.68.1, which Node 20 has).
 */
export function endAfterReading(session: Http2Session): void {
  const destroy = session.destroy.bind(session);
  session.destroy = (error, code) => void setImmediate(() => destroy(error, code));
}

/**
 * Makes a server's session call `goodbye` where it would be closed, after it has read what it has. Gives Node's own `close`, for when the
 * goodbye has left and no stream is open: between being marked as closed and sending the goodbye, Node refuses new streams inside the
 * parser, which sends the goodbye there, frees the very stream that is being read, and then writes to where it was. The heap is broken,
 * and the process aborts sooner or later; a client's goodbye with one request behind it in the same packet is enough.
 */
export function closeAfterReading(session: ServerHttp2Session, goodbye: () => void): () => void {
  const close = session.close.bind(session);
  session.close = () => void setImmediate(goodbye);
  return close;
}
