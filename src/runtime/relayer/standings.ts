import { type Clock, repeat } from "../../base/clock.ts";
import type { Closable } from "../../base/close-stack.ts";
import { toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { ServiceFactors } from "../redis/service-factors.ts";
import type { SupplierRecord, SupplierRecords } from "../redis/supplier-records.ts";
import type { SupplierStanding } from "./steps/admit.ts";

/** Whose standing, and which services' factors. */
type Whom = { readonly suppliers: readonly string[]; readonly services: readonly string[] };

type Options = {
  readonly records: SupplierRecords;
  readonly factors: ServiceFactors;
  readonly clock: Clock;
  readonly logger: Logger;
};

const EVERY_MS = 5_000;
const UNKNOWN: SupplierStanding = { kind: "unknown" };

/**
 * What the miners say of our suppliers and services, in memory: read at start, every few seconds, and when a miner announces a change.
 * While Redis does not answer, what was read last goes on.
 */
export class Standings implements Closable {
  readonly #options: Options;
  readonly #standings = new Map<string, SupplierStanding>();
  readonly #factors = new Map<string, number | undefined>();
  #whom: Whom = { suppliers: [], services: [] };
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #reading: "no" | "once" | "again" = "no";
  #unsubscribe: () => void = () => undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  async start(whom: Whom): Promise<void> {
    this.#whom = whom;
    const { records, clock } = this.#options;
    const onError = this.#unread;
    const again = () => void this.#readAgain();
    this.#unsubscribe = await records.onUpdate(again, again);
    await this.#readAll().catch(onError);
    this.#running = repeat(clock, { everyMs: EVERY_MS, signal: this.#stop.signal, onError }, () =>
      this.#readAll(),
    );
  }

  /** From now on these, read before this resolves unless Redis does not answer. Of others, what was read last is kept. */
  async follow(whom: Whom): Promise<void> {
    this.#whom = whom;
    await this.#readAll().catch(this.#unread);
  }

  standing = (supplier: string): SupplierStanding => this.#standings.get(supplier) ?? UNKNOWN;
  factor = (service: string): number | undefined => this.#factors.get(service);

  async close(): Promise<void> {
    this.#unsubscribe();
    this.#stop.abort();
    await this.#running;
  }

  /** However many updates are announced while one reading runs: one more reading has them all. */
  async #readAgain(): Promise<void> {
    if (this.#reading !== "no") {
      this.#reading = "again";
      return;
    }
    this.#reading = "once";
    await this.#readAll().catch(this.#unread);
    const missed = this.#isMissed();
    this.#reading = "no";
    if (missed && !this.#stop.signal.aborted) await this.#readAgain();
  }

  readonly #unread = (thrown: unknown): void =>
    this.#options.logger.warn({ error: toError(thrown).message }, "supplier records could not be read");

  #isMissed(): boolean {
    return this.#reading === "again";
  }

  async #readAll(): Promise<void> {
    const { records, factors } = this.#options;
    const { suppliers, services } = this.#whom;
    await Promise.all([
      ...suppliers.map(async (supplier) =>
        this.#standings.set(supplier, standingOf(await records.read(supplier))),
      ),
      ...services.map(async (service) => this.#factors.set(service, usable(await factors.get(service)))),
    ]);
  }
}

/** 0 is how the Go peer says that there is none. */
const usable = (factor: number | undefined): number | undefined =>
  factor !== undefined && Number.isFinite(factor) && factor !== 0 ? factor : undefined;

/** An unstaking supplier serves until its last session ends, like an active one (relay-path 5.3). */
function standingOf(record: SupplierRecord | undefined): SupplierStanding {
  if (record === undefined) return UNKNOWN;
  const { staked, status, services, stakedEndpoints } = record;
  if (!staked) return { kind: "inactive", why: "not staked" };
  if (status !== "active" && status !== "unstaking") return { kind: "inactive", why: status };
  if (services.length === 0) return { kind: "inactive", why: "staked for no service" };
  return {
    kind: "serving",
    services: new Set(services),
    stakedTypes: new Set(stakedEndpoints.map(({ serviceId, rpcType }) => `${serviceId}/${rpcType}`)),
  };
}
