import type { BackendConfig } from "../../config/backends.ts";
import { Reject } from "../rejects.ts";
import type { Endpoint } from "./target.ts";

/** The endpoints of one backend, each with what it takes to reach it, and which of them is next. */
export class EndpointSet<Wired extends { readonly endpoint: Endpoint }> {
  readonly all: readonly Wired[];
  readonly #choice: BackendConfig["load_balancing"];
  #turn = 0;

  constructor(all: readonly Wired[], choice: BackendConfig["load_balancing"]) {
    this.all = all;
    this.#choice = choice;
  }

  get names(): readonly string[] {
    return this.all.map(({ endpoint }) => endpoint.name);
  }

  /** Throws Reject no_backend when there is none. */
  choose(): Wired {
    const index = this.#choice === "first_healthy" ? 0 : this.#turn;
    this.#turn = (this.#turn + 1) % this.all.length;
    const chosen = this.all[index];
    if (chosen === undefined) throw new Reject("no_backend");
    return chosen;
  }
}
