import type { Closable } from "../../base/close-stack.ts";
import type { RelayerConfig } from "../config/relayer.ts";
import type { KeyRing } from "../keys/key-ring.ts";
import type { Messages } from "./bridge/messages.ts";
import type { RelayPipeline } from "./relay.ts";
import type { SimulatedRelays } from "./simulation/simulated.ts";
import type { ServiceRoutes } from "./steps/admit.ts";
import type { Users } from "./users.ts";

/** What relays are served with: settings, keys, services, and the steps bound to them. Nothing in it ever changes. */
export type Serving = Closable & {
  readonly config: RelayerConfig;
  readonly keyRing: KeyRing;
  readonly services: ReadonlyMap<string, ServiceRoutes>;
  readonly pipeline: RelayPipeline;
  /** The same for messages of WebSockets. */
  readonly messages: Messages;
  /** Undefined where simulated relays are not enabled. */
  readonly simulation: SimulatedRelays | undefined;
  /** The relays that began with it and have not ended. */
  readonly users: Users;
};

/**
 * Where a relay takes what it is served with, once, when it begins: a reload is one swap. No relay sees half of it, and those in work
 * end with what they began with.
 */
export class Live {
  #current: Serving;
  readonly #onSwap = new Set<() => void>();

  constructor(first: Serving) {
    this.#current = first;
  }

  get current(): Serving {
    return this.#current;
  }

  /** From now on relays begin with `next`. What they began with before. */
  swap(next: Serving): Serving {
    const before = this.#current;
    this.#current = next;
    for (const act of this.#onSwap) act();
    return before;
  }

  /** Calls `act` after each swap, in the same turn of the event loop, until what this gives back is called. */
  onSwap(act: () => void): () => void {
    this.#onSwap.add(act);
    return () => void this.#onSwap.delete(act);
  }
}
