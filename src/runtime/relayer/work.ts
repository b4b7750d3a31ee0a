import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/logger.ts";
import type { RelayerMetrics } from "./metrics.ts";
import { REJECTS, Reject, toReject } from "./rejects.ts";
import type { Admitted } from "./steps/admit.ts";
import type { DecodedRelay } from "./steps/decode.ts";

type Dependencies = {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: RelayerMetrics;
  readonly maxInFlight: number;
};

/** So much of a text that a client wrote is logged. */
const LOGGED = 128;

/** What is known of a relay so far, for metrics and log when it is refused. */
export type Progress = { service: string; rpcType: string; relay?: DecodedRelay };

/** A relay of which nothing is known yet. */
export const unread = (): Progress => ({ service: "unknown", rpcType: "unknown" });

/** The relays in work, of every transport: how many there may be, whether more are taken, and what metrics and log are told of each. */
export class RelayWork {
  readonly #given: Dependencies;
  #maxInFlight: number;
  #inFlight = 0;
  #phase: "serving" | "leaving" | "draining" = "serving";

  constructor(given: Dependencies) {
    this.#given = given;
    this.#maxInFlight = given.maxInFlight;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Whether relays are welcome. */
  get serving(): boolean {
    return this.#phase === "serving";
  }

  /** Whether new relays are refused. */
  get draining(): boolean {
    return this.#phase === "draining";
  }

  /** From now on so many may be in work. */
  limit(maxInFlight: number): void {
    this.#maxInFlight = maxInFlight;
  }

  /** Relays are served, and no more should be sent. */
  leave(): void {
    this.#phase = "leaving";
  }

  /** New relays are refused from now on; those in work go on. */
  drain(): void {
    this.#phase = "draining";
  }

  /** One more relay is in work, until `end`. */
  begin(): void {
    this.#inFlight += 1;
    this.#given.metrics.inWork.relays = this.#inFlight;
  }

  end(): void {
    this.#inFlight -= 1;
    this.#given.metrics.inWork.relays = this.#inFlight;
  }

  /** Whether the relay that just began may go on. Throws Reject draining, overloaded. */
  requireRoom(): void {
    if (this.#phase === "draining") throw new Reject("draining");
    if (this.#inFlight > this.#maxInFlight) throw new Reject("overloaded");
  }

  /** The relay is one that we serve; its request had so many bytes. */
  received({ service, rpcType, declared }: Admitted, bytes: number): void {
    const { metrics } = this.#given;
    const labels = { service_id: service.id, rpc_type: rpcType };
    metrics.received.inc(labels);
    metrics.requestBytes.observe({ service_id: service.id }, bytes);
    if (!declared) metrics.undeclared.inc(labels);
  }

  /** Has a relay verified, and tells how long that took and what came of it. Throws what `verify` throws. */
  async verified<Verified>(
    relay: DecodedRelay,
    mode: string,
    verify: (relay: DecodedRelay) => Promise<Verified>,
  ): Promise<Verified> {
    const { metrics, clock } = this.#given;
    const start = clock.monotonic();
    const service = relay.header.serviceId;
    try {
      return await verify(relay);
    } catch (thrown) {
      metrics.validationFailures.inc({ service_id: service, reason: toReject(thrown).code });
      throw thrown;
    } finally {
      metrics.validationLatency.observe({ service_id: service, mode }, (clock.monotonic() - start) / 1000);
    }
  }

  /** A client has its signed answer of so many bytes; `since` and `at` are when it was asked for and when it came, by the monotonic clock. */
  served(
    { service, rpcType }: Admitted,
    status: number,
    since: number,
    bytes: number,
    at: number = this.#given.clock.monotonic(),
  ): void {
    const { metrics } = this.#given;
    const labels = { service_id: service.id, rpc_type: rpcType };
    metrics.served.inc({ ...labels, status_code: status });
    const seconds = (at - since) / 1000;
    metrics.latency.observe(labels, seconds);
    metrics.observer.served(seconds);
    metrics.responseBytes.observe({ service_id: service.id }, bytes);
  }

  /** A relay that its client was refused. */
  refused({ service, rpcType, relay }: Progress, reject: Reject): void {
    const { metrics } = this.#given;
    metrics.rejected.inc({ service_id: service, rpc_type: rpcType, reason: reject.code });
    metrics.observer.refused(reject.code);
    this.#log("relay refused", reject, relay);
  }

  /** A request that was refused before it could be read; its transport has told the client. */
  refusedUnread(reject: Reject): void {
    const { metrics } = this.#given;
    metrics.rejected.inc({ service_id: "unknown", rpc_type: "unknown", reason: reject.code });
    metrics.observer.refused(reject.code);
    this.#log("request refused", reject, undefined);
  }

  /** Work on a relay whose client has its answer: a failure can only be counted. */
  async afterwards(relay: DecodedRelay, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      this.dropped(relay, toReject(thrown));
    }
  }

  /** A relay that was served and earns nothing. */
  dropped(relay: DecodedRelay, reject: Reject): void {
    this.#given.metrics.dropped.inc({ service_id: relay.header.serviceId, reason: reject.code });
    this.#log("relay served and not mined", reject, relay);
  }

  #log(message: string, reject: Reject, relay: DecodedRelay | undefined): void {
    const fields = {
      reason: reject.code,
      ...reject.fields,
      ...(relay && {
        service: relay.header.serviceId,
        // Whoever asks writes it, and nothing has looked at it yet.
        supplier: relay.supplier.slice(0, LOGGED),
        application: relay.header.applicationAddress,
        session: relay.header.sessionId,
      }),
      ...(reject.cause instanceof Error && { cause: reject.cause.message }),
    };
    this.#given.logger[REJECTS[reject.code].level](fields, message);
  }
}
