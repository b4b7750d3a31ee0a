/** Who still works with something that is to be closed. */
export class Users {
  #count = 0;
  readonly #whenNone: (() => void)[] = [];

  enter(): void {
    this.#count += 1;
  }

  leave(): void {
    this.#count -= 1;
    if (this.#count > 0) return;
    for (const tell of this.#whenNone.splice(0)) tell();
  }

  /** Resolves when there are none. Whoever asks sees to it that no new ones come. */
  async none(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#whenNone.push(resolve));
  }
}
