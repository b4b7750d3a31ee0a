import { CloseStack } from "../../../base/close-stack.ts";

type Held<Thing> = { readonly thing: Thing; readonly owned: CloseStack; holders: number };

/**
 * What is open for several states of the configuration at once: the same thing, configured in the same way, is opened once and closed
 * when the last state that has it is gone. So a reload keeps connections, and what is known of a backend's health.
 */
export class Shelf<Thing> {
  readonly #things = new Map<string, Held<Thing>>();

  /** What is open under this description of all that it is made from, or what `open` makes. Given back with `leave`. */
  take(description: string, open: (owned: CloseStack) => Thing): Thing {
    const held = this.#things.get(description) ?? opened(open);
    held.holders += 1;
    this.#things.set(description, held);
    return held.thing;
  }

  /** The same, given back when `holder` closes. */
  takeFor(holder: CloseStack, description: string, open: (owned: CloseStack) => Thing): Thing {
    holder.own({ close: () => this.leave(description) });
    return this.take(description, open);
  }

  /** Closes it, when nobody else has it. */
  async leave(description: string): Promise<void> {
    const held = this.#things.get(description);
    if (held === undefined) return;
    held.holders -= 1;
    if (held.holders > 0) return;
    this.#things.delete(description);
    await held.owned.close();
  }

  get size(): number {
    return this.#things.size;
  }
}

function opened<Thing>(open: (owned: CloseStack) => Thing): Held<Thing> {
  const owned = new CloseStack();
  return { thing: open(owned), owned, holders: 0 };
}
