/** Whether the client of one relay is still there. What an AbortSignal does, at a tenth of its price: every relay has one. */
export class Presence {
  #state: "here" | "gone" = "here";
  #act: (() => void) | undefined;

  get gone(): boolean {
    return this.#state === "gone";
  }

  /** Calls `act` when the client goes; at once if it has gone. One at a time: the last one counts, undefined ends it. */
  whenGone(act: (() => void) | undefined): void {
    this.#act = act;
    if (this.gone) act?.();
  }

  leave(): void {
    if (this.gone) return;
    this.#state = "gone";
    this.#act?.();
  }
}
