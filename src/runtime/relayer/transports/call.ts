import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import type { Readable, Writable } from "node:stream";
import type { Clock } from "../../../base/clock.ts";
import type { Exchange } from "../exchange.ts";
import type { Reject } from "../rejects.ts";
import type { Bodies, Body } from "./body.ts";
import type { Unsent } from "./unsent.ts";

/** What carried a request, for the metric (go-peers T16): with and without TLS. */
export type Protocol = "http1" | "https1" | "h2c" | "h2";

/** One request and the way of its answer: what HTTP/1.1 and a stream of HTTP/2 have in common. */
export type Call = {
  /** Names in lower case; what came twice is joined by a comma, as node:http does. */
  readonly headers: IncomingHttpHeaders;
  /** The body, whatever the method. */
  readonly source: Readable;
  /** Bytes of the body that are here; set by who reads it. */
  received: Pick<Body, "size"> | undefined;
  /** Monotonic milliseconds after which it is broken off. */
  deadline: number;
  /** An answer has begun, or there is nobody to read one. */
  readonly answered: boolean;
  /** What is wrong with the head that two readers could understand in two ways, or undefined (reliability 4). */
  headProblem(): string | undefined;
  /** The whole answer. Nothing happens when `answered`. */
  send(status: number, headers: OutgoingHttpHeaders, body: Uint8Array): void;
  /** The head of an answer whose body comes in pieces, and where to write them; undefined when `answered`. Then `end` or `breakOff`. */
  begin(status: number, headers: OutgoingHttpHeaders): Writable | undefined;
  /** All pieces are written; the client has a while to read the last ones. */
  end(): void;
  /** Leaves the answer in a state in which the client sees that it is not whole. */
  breakOff(): void;
  /** Calls `act` once when the answer is sent ("whole") or will never be. */
  whenClosed(act: (how: "whole" | "broken") => void): void;
};

/** What every request needs of its listener. */
export type Port = {
  readonly clock: Clock;
  readonly bodies: Bodies;
  /** What compressed ones become. Of its own: a few small requests could fill the room of all others with it. */
  readonly inflated: Bodies;
  /** Undefined: answers go out as they are. */
  readonly compression:
    | { send(call: Call, headers: OutgoingHttpHeaders, bytes: Uint8Array): void }
    | undefined;
  readonly handle: (exchange: Exchange) => Promise<void>;
  /** A request that was refused before it was an exchange. */
  readonly refused: (reject: Reject) => void;
  /** Of these, those that wait for their clients to read. */
  readonly unsent: Unsent;
  /** Answers that have not left the process. */
  readonly open: Set<Call>;
  /** No connection is kept for another request. */
  stopping: boolean;
};
