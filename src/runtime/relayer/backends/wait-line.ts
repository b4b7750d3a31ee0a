import type { Clock } from "../../../base/clock.ts";
import type { Presence } from "../presence.ts";
import { Reject } from "../rejects.ts";

type Bounds = {
  readonly clock: Clock;
  /** How many may wait. */
  readonly places: number;
  /** How long one may. */
  readonly patienceMs: number;
};

type Waiter<Thing> = { readonly take: (thing: Thing) => void; readonly leave: (reject: Reject) => void };

/** Requests that wait for a connection, in the order in which they came; bounded in number and in time. */
export class WaitLine<Thing> {
  readonly #bounds: Bounds;
  readonly #waiting = new Set<Waiter<Thing>>();

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  get length(): number {
    return this.#waiting.size;
  }

  get isFull(): boolean {
    return this.#waiting.size >= this.#bounds.places;
  }

  /** How long anyone may wait. */
  get patienceMs(): number {
    return this.#bounds.patienceMs;
  }

  /** What a later `give` gives. Throws Reject backend_saturated when the line is full or the time is up, client_gone. */
  wait(client: Presence): Promise<Thing> {
    if (this.isFull) throw new Reject("backend_saturated", "the line is full");
    const { clock, patienceMs } = this.#bounds;
    return new Promise((resolve, reject) => {
      const end = () => {
        this.#waiting.delete(waiter);
        callOff();
        client.whenGone(undefined);
      };
      const waiter: Waiter<Thing> = {
        take: (thing) => {
          end();
          resolve(thing);
        },
        leave: (why) => {
          end();
          reject(why);
        },
      };
      const callOff = clock.after(patienceMs, () =>
        waiter.leave(new Reject("backend_saturated", "no connection became free in time")),
      );
      this.#waiting.add(waiter);
      client.whenGone(() => waiter.leave(new Reject("client_gone")));
    });
  }

  /** To whoever waits longest. */
  give(thing: Thing): void {
    const [first] = this.#waiting;
    first?.take(thing);
  }

  /** Nobody waits any more. */
  refuseAll(why: () => Reject): void {
    for (const waiter of [...this.#waiting]) waiter.leave(why());
  }
}
