import type { Http2Session } from "node:http2";

/**
 * Makes a session end after it has read what it has, never while it reads. Node ends one at once when its peer says goodbye, inside the
 * parser, and a parser that was ended so aborts the process over a frame of a wrong size further on in the same packet (nghttp2 before
 * 1.68.1, which Node 20 has).
 */
export function endAfterReading(session: Http2Session): void {
  const destroy = session.destroy.bind(session);
  session.destroy = (error, code) => void setImmediate(() => destroy(error, code));
}
