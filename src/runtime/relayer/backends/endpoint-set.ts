import type { Clock } from "../../../base/clock.ts";
import type { BackendConfig } from "../../config/backends.ts";
import { Reject } from "../rejects.ts";
import { Circuit, type CircuitSettings, type Outcome } from "./circuit.ts";
import type { Endpoint } from "./target.ts";

/** `down`: by active checks; `ejected`: by the breaker, after faults in a row; `probing`: ejected, and one request tries it. */
export type EndpointPhase = "up" | "down" | "ejected" | "probing";

export type EndpointState = {
  /** From the configuration, or the URL's host and port: never a path, a query or credentials. */
  readonly name: string;
  readonly origin: string;
  readonly phase: EndpointPhase;
};

export type EndpointSetOptions = {
  /** Told to the client when there is no endpoint. */
  readonly service: string;
  readonly clock: Clock;
  /** Called once for each change, after it; for logs and metrics. */
  readonly onChange: (state: EndpointState, before: EndpointPhase, why: string) => void;
};

/** Faults in a row that eject, where health_check.unhealthy_threshold gives no other number (go-peers 1.9, B4). */
const FAULTS = 5;
const RECOVERY_SECONDS = 30;

type Member<Wired> = { readonly wired: Wired; readonly circuit: Circuit; check: "up" | "down" };

const WHY: Readonly<Record<Outcome, string>> = {
  answered: "it answered",
  server_fault: "server faults in a row",
  other: "the request that tried it told nothing",
};

const NONE: readonly never[] = [];
const anyIsFree = (): boolean => true;

/**
 * The endpoints of one backend, each with what it takes to reach it: which of them is next, and which are well. Whoever chose one reports
 * how it went, once.
 */
export class EndpointSet<Wired extends { readonly endpoint: Endpoint }> {
  readonly all: readonly Wired[];
  readonly #members: readonly Member<Wired>[];
  readonly #byWired: ReadonlyMap<Wired, Member<Wired>>;
  readonly #inOrder: boolean;
  readonly #service: string;
  readonly #onChange: EndpointSetOptions["onChange"];
  #turn = 0;

  constructor(
    all: readonly Wired[],
    config: BackendConfig,
    { service, clock, onChange }: EndpointSetOptions,
  ) {
    const settings: CircuitSettings = {
      clock,
      threshold: config.health_check?.unhealthy_threshold ?? FAULTS,
      recoveryMs: (config.recovery_timeout_seconds ?? RECOVERY_SECONDS) * 1000,
    };
    this.all = all;
    this.#members = all.map((wired) => ({ wired, circuit: new Circuit(settings), check: "up" }));
    this.#byWired = new Map(this.#members.map((member) => [member.wired, member]));
    this.#inOrder = config.load_balancing === "first_healthy";
    this.#service = service;
    this.#onChange = onChange;
  }

  get names(): readonly string[] {
    return this.all.map(({ endpoint }) => endpoint.name);
  }

  /** Whether there is one that active checks have not taken out: the breaker alone never leaves a service without. */
  get hasAny(): boolean {
    for (const { check } of this.#members) if (check === "up") return true;
    return false;
  }

  /** Over how many `next` spreads requests now: those that are well, or all that checks leave when none is; one with first_healthy. */
  get spread(): number {
    let well = 0;
    let left = 0;
    for (const { check, circuit } of this.#members) {
      if (check === "down") continue;
      left += 1;
      if (circuit.phase === "closed") well += 1;
    }
    const count = well === 0 ? left : well;
    return this.#inOrder ? Math.min(count, 1) : count;
  }

  states(): readonly EndpointState[] {
    return this.#members.map(stateOf);
  }

  /** The next one, or another than those tried. Throws Reject backend_down when there is none. */
  choose(tried: readonly Wired[] = NONE): Wired {
    const chosen = this.next(tried);
    if (chosen === undefined)
      throw new Reject("backend_down", undefined, { told: { service: this.#service } });
    return chosen;
  }

  /**
   * As `choose`, but only one that is free: in turn, or, with first_healthy, only the first that is well. Undefined when there is none.
   * One that the breaker holds out is given to one request when its time has come, and to any when no other is left.
   */
  next(tried: readonly Wired[] = NONE, isFree: (wired: Wired) => boolean = anyIsFree): Wired | undefined {
    const usable = this.#find(tried, isFree, isUsable) ?? this.#spare(tried, isFree);
    if (usable === undefined) return undefined;
    if (usable.circuit.phase === "open")
      this.#change(usable, "one request tries it", () => usable.circuit.probe());
    return usable.wired;
  }

  /** How the request went that one was chosen for. */
  report(wired: Wired, outcome: Outcome): void {
    const member = this.#byWired.get(wired);
    if (member === undefined) return;
    const { circuit } = member;
    // Almost every report, and nothing changes.
    if (outcome === "answered" && circuit.phase === "closed") circuit.answered();
    else this.#change(member, WHY[outcome], () => this.#judge(member, outcome));
  }

  /** What active checks say of one. */
  checked(wired: Wired, check: "up" | "down", why: string): void {
    const member = this.#byWired.get(wired);
    if (member === undefined || member.check === check) return;
    this.#change(member, why, () => {
      member.check = check;
    });
  }

  #judge(member: Member<Wired>, outcome: Outcome): void {
    if (outcome === "answered") member.circuit.answered();
    else if (outcome === "other") member.circuit.toldNothing();
    else
      member.circuit.faulted(() =>
        this.#members.some((other) => other !== member && phaseOf(other) === "up"),
      );
  }

  /** When every one that checks leave is held out by the breaker, they are used all the same: the last one is never ejected. */
  #spare(tried: readonly Wired[], isFree: (wired: Wired) => boolean): Member<Wired> | undefined {
    for (const member of this.#members) if (isUsable(member)) return undefined;
    return this.#find(tried, isFree, isNotDown);
  }

  #find(
    tried: readonly Wired[],
    isFree: (wired: Wired) => boolean,
    isWanted: (member: Member<Wired>) => boolean,
  ): Member<Wired> | undefined {
    const count = this.#members.length;
    const start = this.#inOrder ? 0 : this.#turn;
    for (let step = 0; step < count; step++) {
      const index = (start + step) % count;
      const member = this.#members[index];
      if (member === undefined || !isWanted(member) || tried.includes(member.wired)) continue;
      if (isFree(member.wired)) {
        // A second try is out of turn, or all would begin at the endpoint that is at fault.
        if (tried.length === 0) this.#turn = (index + 1) % count;
        return member;
      }
      if (this.#inOrder) return undefined;
    }
    return undefined;
  }

  #change(member: Member<Wired>, why: string, act: () => void): void {
    const before = phaseOf(member);
    act();
    const state = stateOf(member);
    if (state.phase !== before) this.#onChange(state, before, why);
  }
}

const isNotDown = ({ check }: { check: "up" | "down" }): boolean => check === "up";

const isUsable = ({ check, circuit }: Member<unknown>): boolean =>
  check === "up" && (circuit.phase === "closed" || circuit.probeDue);

function phaseOf({ check, circuit }: Member<unknown>): EndpointPhase {
  if (check === "down") return "down";
  if (circuit.phase === "closed") return "up";
  return circuit.phase === "open" ? "ejected" : "probing";
}

const stateOf = (member: Member<{ readonly endpoint: Endpoint }>): EndpointState => {
  const { name, origin } = member.wired.endpoint;
  return { name, origin, phase: phaseOf(member) };
};
