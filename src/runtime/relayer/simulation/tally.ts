import { toError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import type { KeyRing } from "../../keys/key-ring.ts";
import type { Transport } from "../exchange.ts";
import { REJECTS, type Reject } from "../rejects.ts";
import type { ServiceRoutes } from "../steps/admit.ts";
import type { DecodedRelay } from "../steps/decode.ts";
import type { SimulationMetrics } from "./metrics.ts";

export type TallyDependencies = {
  readonly services: ReadonlyMap<string, ServiceRoutes>;
  readonly keys: KeyRing;
  readonly metrics: SimulationMetrics;
  readonly logger: Logger;
  /** Whether a relay of that service could be metered now; rejects when not. Changes nothing. */
  readonly probe: (service: string) => Promise<void>;
};

/** What is known of a simulated relay when it is counted. */
export type Seen = { readonly transport: Transport; relay?: DecodedRelay };

/** What metrics and log are told of simulated relays, and of nothing else. */
export class Tally {
  readonly #given: TallyDependencies;

  constructor(given: TallyDependencies) {
    this.#given = given;
  }

  served(seen: Seen): void {
    this.#count(seen, "served");
  }

  /** From request to answer. */
  took(transport: Transport, service: string, seconds: number): void {
    this.#given.metrics.duration.observe({ transport, service }, seconds);
  }

  refused(seen: Seen, reject: Reject): void {
    this.#count(seen, reject.code);
    const { relay } = seen;
    const fields = { reason: reject.code, why: reject.message, ...reject.fields };
    const of = relay && { service: relay.header.serviceId, supplier: relay.supplier };
    this.#given.logger[REJECTS[reject.code].level]({ ...fields, ...of }, "simulated relay refused");
  }

  /** Never rejects: that a relay could not have been metered is counted and logged. */
  async probe(service: string): Promise<void> {
    const { probe, metrics, logger } = this.#given;
    try {
      await probe(service);
    } catch (thrown) {
      metrics.probeFailures.inc({ service });
      logger.warn({ service, error: toError(thrown).message }, "a relay could not have been metered");
    }
  }

  #count({ transport, relay }: Seen, result: string): void {
    const { services, keys, metrics } = this.#given;
    const service = relay && services.has(relay.header.serviceId) ? relay.header.serviceId : "unknown";
    const supplier = relay && keys.has(relay.supplier) ? relay.supplier : "unknown";
    metrics.relays.inc({ transport, service, supplier, result });
  }
}
