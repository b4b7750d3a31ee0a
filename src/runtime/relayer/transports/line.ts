import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

const lines = new WeakMap<Socket, Line>();

/**
 * The requests of one connection that came before the answer to an earlier one was out (pipelining). Clients of the field send one at a
 * time; a few are served side by side, and answered in their order.
 */
export class Line {
  /** node:http says nothing of an answer whose turn has not come when the connection is lost: what is to be done then. */
  readonly #waiting = new Map<ServerResponse, (() => void) | undefined>();
  #state: "open" | "over" = "open";

  constructor(socket: Socket) {
    socket.once("close", () => {
      // The one whose turn it is hears of it by itself.
      for (const [response, lost] of this.#waiting) if (response.socket === null) lost?.();
    });
  }

  static of(socket: Socket): Line {
    const known = lines.get(socket);
    if (known) return known;
    const line = new Line(socket);
    lines.set(socket, line);
    return line;
  }

  /** Another one stands in line. "full" for the first that finds `limit` before it, "over" for all that come later. */
  join(response: ServerResponse, limit: number): "in" | "full" | "over" {
    if (this.#state === "over") return "over";
    const isFull = this.#waiting.size >= limit;
    if (isFull) this.end();
    this.#waiting.set(response, undefined);
    response.once("close", () => this.#waiting.delete(response));
    return isFull ? "full" : "in";
  }

  /** Nobody else may join. */
  end(): void {
    this.#state = "over";
  }

  /** Calls `act` if the connection is lost before it is the answer's turn. */
  whenLost(response: ServerResponse, act: () => void): void {
    this.#waiting.set(response, act);
  }
}
