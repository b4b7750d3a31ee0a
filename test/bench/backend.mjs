/**
 * The backend of the bench: an HTTP/1.1 server with as little work as there can be, so that the CPU is the relayer's. Answers some
 * 300 bytes of JSON with the request's id; `{"answerBytes": n}` of `listen` makes them more, `{"ms": n}` of `delay` later.
 */
import { createServer } from "node:net";
import { answerCalls } from "./child.mjs";

const HEAD_END = "\r\n\r\n";
const ID_FIELD = '"id":"';

/** The id stands at the beginning of the body, as the loader makes it. */
const ID_WITHIN = 100;
const EMPTY = Buffer.alloc(0);

let filler = "";
let delayMs = 0;

/** One connection: the head and the beginning of a body are read, the rest of it is only counted. */
class Conversation {
  #socket;
  #held = EMPTY;
  #missing = 0;
  #id = "";

  constructor(socket) {
    this.#socket = socket;
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => {
      let rest = chunk;
      while (rest.length > 0) rest = this.#missing > 0 ? this.#skip(rest) : this.#begin(rest);
    });
  }

  #skip(bytes) {
    const taken = Math.min(this.#missing, bytes.length);
    this.#missing -= taken;
    if (this.#missing === 0) this.#answer(this.#id);
    return bytes.subarray(taken);
  }

  #answer(id) {
    if (delayMs === 0) this.#socket.write(answerTo(id));
    else setTimeout(() => this.#socket.writable && this.#socket.write(answerTo(id)), delayMs);
  }

  #begin(bytes) {
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const held = this.#held;
    const end = held.indexOf(HEAD_END);
    if (end < 0) return EMPTY;
    const bodyAt = end + HEAD_END.length;
    const length = lengthIn(held.latin1Slice(0, end));
    if (held.length < bodyAt + Math.min(ID_WITHIN, length)) return EMPTY;
    this.#id = idIn(held.latin1Slice(bodyAt, bodyAt + ID_WITHIN));
    this.#missing = length;
    this.#held = EMPTY;
    return held.subarray(bodyAt);
  }
}

const server = createServer({ noDelay: true }, (socket) => void new Conversation(socket));

function lengthIn(head) {
  const [, length = "0"] = /content-length: *(\d+)/i.exec(head) ?? [];
  return Number(length);
}

function idIn(text) {
  const at = text.indexOf(ID_FIELD);
  return at < 0 ? "" : text.slice(at + ID_FIELD.length, text.indexOf('"', at + ID_FIELD.length));
}

function answerTo(id) {
  const body = `{"jsonrpc":"2.0","id":"${id}","result":"${filler}"}`;
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

answerCalls({
  delay: ({ ms }) => {
    delayMs = ms;
  },
  listen: ({ answerBytes }) => {
    filler = "5".repeat(Math.max(1, answerBytes - 60));
    return new Promise((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve(server.address().port));
    });
  },
});
