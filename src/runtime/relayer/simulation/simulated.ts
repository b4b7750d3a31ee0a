import type { Clock } from "../../../base/clock.ts";
import { toError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import type { KeyRing } from "../../keys/key-ring.ts";
import type { Exchange, Transport } from "../exchange.ts";
import { REJECTS, Reject, toReject } from "../rejects.ts";
import { requestedType, routeOf, type ServiceRoutes } from "../steps/admit.ts";
import { type DecodedRelay, decodeUnchecked } from "../steps/decode.ts";
import { askBackendOnce, forwardedOf } from "../steps/forward.ts";
import { sign } from "../steps/sign.ts";
import type { Admission } from "./admission.ts";
import type { SimulationMetrics } from "./metrics.ts";

/** HTTP header, header of a WebSocket's handshake, or gRPC metadata: what says that a relay is a simulated one (relay-path 8). */
export const SIMULATION_HEADER = "pocket-simulation-key-id";

export type SimulationDependencies = {
  readonly admission: Admission;
  readonly services: ReadonlyMap<string, ServiceRoutes>;
  readonly keys: KeyRing;
  readonly metrics: SimulationMetrics;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Whether a relay of that service could be metered now; rejects when not. Changes nothing. */
  readonly probe: (service: string) => Promise<void>;
};

/** What is known of a simulated relay when it is counted. */
type Seen = { readonly transport: Transport; relay?: DecodedRelay };

/**
 * Relays by which an operator tries the whole way to the backend without the chain (relay-path 8). They are admitted by the keys of the
 * configuration, also where the service is optimistic, asked of the backend and signed; never metered, stored, or counted with the others.
 */
export class SimulatedRelays {
  readonly #given: SimulationDependencies;

  constructor(given: SimulationDependencies) {
    this.#given = given;
  }

  /** Never rejects: what goes wrong is answered, counted and logged. */
  async serve(exchange: Exchange, keyId: string): Promise<void> {
    const { services, keys, metrics, clock } = this.#given;
    const seen: Seen = { transport: exchange.transport };
    let leave: () => void = () => undefined;
    try {
      const relay = decodeUnchecked(exchange);
      seen.relay = relay;
      const { service, rpcType, pool } = routeOf(services, relay, requestedType(relay, exchange));
      leave = this.#given.admission.enter();
      await this.#given.admission.require(relay, keyId);
      if (exchange.body.length > service.maxBodyBytes) throw new Reject("body_too_large");
      const admitted = { service, rpcType, pool, declared: true };
      const answer = await askBackendOnce(relay, admitted, exchange);
      exchange.reply(sign(relay, forwardedOf(answer).payload, keys).responseBytes, answer.retries);
      this.#count(seen, "served");
      const seconds = (clock.monotonic() - exchange.receivedAt) / 1000;
      metrics.duration.observe({ transport: exchange.transport, service: service.id }, seconds);
      // The client has its answer and may send the next one.
      leave();
      await this.#probe(service.id);
    } catch (thrown) {
      const reject = toReject(thrown);
      exchange.refuse(reject);
      this.#count(seen, reject.code);
      this.#log(seen, reject);
    } finally {
      leave();
    }
  }

  async #probe(service: string): Promise<void> {
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

  #log({ relay }: Seen, reject: Reject): void {
    const fields = { reason: reject.code, why: reject.message, ...reject.fields };
    const of = relay && { service: relay.header.serviceId, supplier: relay.supplier };
    this.#given.logger[REJECTS[reject.code].level]({ ...fields, ...of }, "simulated relay refused");
  }
}
