import type { Clock } from "../../../base/clock.ts";
import type { KeyRing } from "../../keys/key-ring.ts";
import type { Exchange } from "../exchange.ts";
import { Reject, toReject } from "../rejects.ts";
import { requestedType, routeOf, type ServiceRoutes } from "../steps/admit.ts";
import { decodeUnchecked } from "../steps/decode.ts";
import { askBackendOnce, forwardedOf } from "../steps/forward.ts";
import { sign } from "../steps/sign.ts";
import type { Admission } from "./admission.ts";
import type { Seen, Tally } from "./tally.ts";

/** HTTP header, header of a WebSocket's handshake, or gRPC metadata: what says that a relay is a simulated one (relay-path 8). */
export const SIMULATION_HEADER = "pocket-simulation-key-id";
/** Whatever the request accepts (relay-path 8). */
const CONTENT_TYPE = "application/json";

export type SimulationDependencies = {
  readonly admission: Admission;
  readonly services: ReadonlyMap<string, ServiceRoutes>;
  readonly keys: KeyRing;
  readonly tally: Tally;
  readonly clock: Clock;
};

/**
 * Relays by which an operator tries the whole way to the backend without the chain (relay-path 8). They are admitted by the keys of the
 * configuration, also where the service is optimistic, asked of the backend and signed; never metered, stored, or counted with the others.
 */
export class SimulatedRelays {
  /** What messages of WebSockets are served with as well (simulation/messages.ts). */
  readonly given: SimulationDependencies;

  constructor(given: SimulationDependencies) {
    this.given = given;
  }

  /** Never rejects: what goes wrong is answered, counted and logged. */
  async serve(exchange: Exchange, keyId: string): Promise<void> {
    const { admission, services, keys, tally, clock } = this.given;
    const seen: Seen = { transport: exchange.transport };
    let leave: () => void = () => undefined;
    try {
      const relay = decodeUnchecked(exchange);
      seen.relay = relay;
      const { service, rpcType, pool } = routeOf(services, relay, requestedType(relay, exchange));
      leave = admission.enter();
      await admission.require(relay, keyId);
      if (exchange.body.length > service.maxBodyBytes) throw new Reject("body_too_large");
      const admitted = { service, rpcType, pool, declared: true };
      const answer = await askBackendOnce(relay, admitted, exchange);
      const signed = sign(relay, forwardedOf(answer).payload, keys);
      exchange.reply(signed.responseBytes, answer.retries, CONTENT_TYPE);
      tally.served(seen);
      tally.took(exchange.transport, service.id, (clock.monotonic() - exchange.receivedAt) / 1000);
      // The client has its answer and may send the next one.
      leave();
      await tally.probe(service.id);
    } catch (thrown) {
      const reject = toReject(thrown);
      exchange.refuse(reject);
      tally.refused(seen, reject);
    } finally {
      leave();
    }
  }
}
