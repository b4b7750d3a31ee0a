/**
 * A gateway's connection to a relayer with as little CPU as there can be: HTTP/1.1 over a socket, one request at a time, keep-alive.
 * Reads status, length and body, which is what the relayer writes; no chunked answers.
 */
import { connect } from "node:net";

const HEAD_END = "\r\n\r\n";
const EMPTY = Buffer.alloc(0);

export class Connection {
  #socket;
  #held = EMPTY;
  #waiting;

  constructor(url) {
    const { hostname, port } = new URL(url);
    this.place = { host: hostname, port: Number(port), noDelay: true };
  }

  /** Sends a request, `wire` and then `tail` if there is one; `done(status, body)`, with status 0 when the connection broke. */
  send(wire, tail, done) {
    this.#waiting = done;
    this.#socket ??= this.#open();
    if (tail === undefined) return void this.#socket.write(wire);
    this.#socket.cork();
    this.#socket.write(wire);
    this.#socket.write(tail);
    this.#socket.uncork();
  }

  close() {
    this.#socket?.destroy();
  }

  #open() {
    const socket = connect(this.place);
    socket.on("data", (chunk) => this.#read(chunk));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      if (this.#socket !== socket) return;
      this.#reset();
      this.#answer(0, EMPTY);
    });
    return socket;
  }

  #reset() {
    this.#socket = undefined;
    this.#held = EMPTY;
  }

  #answer(status, body) {
    const done = this.#waiting;
    this.#waiting = undefined;
    done?.(status, body);
  }

  #read(chunk) {
    const held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const end = held.indexOf(HEAD_END);
    if (end < 0) {
      this.#held = held;
      return;
    }
    const head = held.latin1Slice(0, end);
    const [, length = "0"] = /content-length: (\d+)/i.exec(head) ?? [];
    const bodyAt = end + HEAD_END.length;
    const size = bodyAt + Number(length);
    if (held.length < size) {
      this.#held = held;
      return;
    }
    this.#held = EMPTY;
    if (/connection: close/i.test(head)) {
      this.#socket.destroy();
      this.#reset();
    }
    this.#answer(Number(head.slice(9, 12)), held.subarray(bodyAt, size));
  }
}
