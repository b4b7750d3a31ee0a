import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/logger.ts";
import type { AnsweredRelay } from "../../chain/protocol/relay-answer.ts";
import type { Exchange } from "./exchange.ts";
import type { RelayerMetrics } from "./metrics.ts";
import { REJECTS, Reject, toReject } from "./rejects.ts";
import type { PreparedSession } from "./sessions.ts";
import type { Admitted } from "./steps/admit.ts";
import type { DecodedRelay } from "./steps/decode.ts";
import type { Forwarded } from "./steps/forward.ts";
import type { Metered } from "./steps/meter.ts";

/** The steps with what they need bound in by main.ts; each throws Reject. */
export type Steps = {
  decode(exchange: Exchange): DecodedRelay;
  admit(relay: DecodedRelay, exchange: Exchange): Admitted;
  verify(relay: DecodedRelay): Promise<PreparedSession>;
  meter(relay: DecodedRelay, session: PreparedSession): Promise<Metered>;
  forward(relay: DecodedRelay, admitted: Admitted, exchange: Exchange): Promise<Forwarded>;
  sign(relay: DecodedRelay, payload: Uint8Array): AnsweredRelay;
  publish(relay: DecodedRelay, session: PreparedSession, signed: AnsweredRelay): Promise<void>;
};

type Dependencies = {
  readonly steps: Steps;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: RelayerMetrics;
  readonly maxInFlight: number;
  readonly publishBeforeReply: boolean;
};

/** What is known of a relay so far, for metrics and log when it is refused. */
type Progress = { service: string; rpcType: string; relay?: DecodedRelay };

/** The order of a relay (architecture 3). Nothing here knows a transport; no step knows another. */
export class RelayPipeline {
  readonly #given: Dependencies;
  #inFlight = 0;
  #phase: "serving" | "draining" = "serving";

  constructor(given: Dependencies) {
    this.#given = given;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get draining(): boolean {
    return this.#phase === "draining";
  }

  /** New relays are refused from now on; those in work go on. */
  drain(): void {
    this.#phase = "draining";
  }

  /** Serves one relay from request to stored leaf. Never rejects: what goes wrong is answered, counted and logged. */
  async serve(exchange: Exchange): Promise<void> {
    const { metrics, maxInFlight } = this.#given;
    const progress: Progress = { service: "unknown", rpcType: "unknown" };
    this.#inFlight += 1;
    metrics.inFlight.set(this.#inFlight);
    try {
      if (this.#phase === "draining") throw new Reject("draining");
      if (this.#inFlight > maxInFlight) throw new Reject("overloaded");
      await this.#relay(exchange, progress);
    } catch (thrown) {
      this.#refused(exchange, progress, toReject(thrown));
    } finally {
      this.#inFlight -= 1;
      metrics.inFlight.set(this.#inFlight);
    }
  }

  /** A request that was refused before it could be read; its transport has told the client. */
  refusedUnread(reject: Reject): void {
    const { metrics } = this.#given;
    metrics.rejected.inc({ service_id: "unknown", rpc_type: "unknown", reason: reject.code });
    metrics.observer.refused(reject.code);
    this.#log("request refused", reject, undefined);
  }

  async #relay(exchange: Exchange, progress: Progress): Promise<void> {
    const { steps, metrics } = this.#given;
    const relay = steps.decode(exchange);
    progress.relay = relay;
    const admitted = steps.admit(relay, exchange);
    progress.service = admitted.service.id;
    progress.rpcType = admitted.rpcType;
    const labels = { service_id: progress.service, rpc_type: progress.rpcType };
    metrics.received.inc(labels);
    metrics.requestBytes.observe({ service_id: progress.service }, exchange.body.length);
    if (!admitted.declared) metrics.undeclared.inc(labels);
    if (admitted.service.mode === "eager") await this.#eager(exchange, relay, admitted);
    else await this.#optimistic(exchange, relay, admitted);
  }

  /** Nothing reaches the backend that the chain would not pay; nothing is answered that is not stored. */
  async #eager(exchange: Exchange, relay: DecodedRelay, admitted: Admitted): Promise<void> {
    const { steps, publishBeforeReply } = this.#given;
    const session = await this.#verified(relay, "eager");
    const metered = await steps.meter(relay, session);
    let signed: AnsweredRelay;
    let forwarded: Forwarded;
    try {
      forwarded = await steps.forward(relay, admitted, exchange);
      signed = steps.sign(relay, forwarded.payload);
      if (publishBeforeReply) await steps.publish(relay, session, signed);
    } catch (thrown) {
      await metered.refund();
      throw thrown;
    }
    this.#answer(exchange, admitted, forwarded, signed);
    if (!publishBeforeReply)
      await this.#afterwards(relay, () => this.#publishOrRefund(relay, session, signed, metered));
  }

  /** Answered first, then checked: what fails a check was served for nothing and is not mined. */
  async #optimistic(exchange: Exchange, relay: DecodedRelay, admitted: Admitted): Promise<void> {
    const { steps, metrics } = this.#given;
    const forwarded = await steps.forward(relay, admitted, exchange);
    const signed = steps.sign(relay, forwarded.payload);
    this.#answer(exchange, admitted, forwarded, signed);
    metrics.optimistic.inc({ service_id: admitted.service.id, rpc_type: admitted.rpcType });
    await this.#afterwards(relay, async () => {
      const session = await this.#verified(relay, "optimistic");
      await this.#publishOrRefund(relay, session, signed, await steps.meter(relay, session));
    });
  }

  async #publishOrRefund(
    relay: DecodedRelay,
    session: PreparedSession,
    signed: AnsweredRelay,
    metered: Metered,
  ): Promise<void> {
    try {
      await this.#given.steps.publish(relay, session, signed);
    } catch (thrown) {
      await metered.refund();
      throw thrown;
    }
  }

  async #verified(relay: DecodedRelay, mode: string): Promise<PreparedSession> {
    const { steps, metrics, clock } = this.#given;
    const start = clock.monotonic();
    const service = relay.header.serviceId;
    try {
      return await steps.verify(relay);
    } catch (thrown) {
      metrics.validationFailures.inc({ service_id: service, reason: toReject(thrown).code });
      throw thrown;
    } finally {
      metrics.validationLatency.observe({ service_id: service, mode }, (clock.monotonic() - start) / 1000);
    }
  }

  #answer(exchange: Exchange, admitted: Admitted, forwarded: Forwarded, signed: AnsweredRelay): void {
    const { metrics, clock } = this.#given;
    const labels = { service_id: admitted.service.id, rpc_type: admitted.rpcType };
    exchange.reply(signed.responseBytes);
    metrics.served.inc({ ...labels, status_code: forwarded.status });
    const seconds = (clock.monotonic() - exchange.receivedAt) / 1000;
    metrics.latency.observe(labels, seconds);
    metrics.observer.served(seconds);
    metrics.responseBytes.observe({ service_id: admitted.service.id }, signed.responseBytes.length);
  }

  /** Work on a relay whose client has its answer: a failure can only be counted. */
  async #afterwards(relay: DecodedRelay, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      const reject = toReject(thrown);
      this.#given.metrics.dropped.inc({ service_id: relay.header.serviceId, reason: reject.code });
      this.#log("relay served and not mined", reject, relay);
    }
  }

  #refused(exchange: Exchange, progress: Progress, reject: Reject): void {
    const { metrics } = this.#given;
    metrics.rejected.inc({
      service_id: progress.service,
      rpc_type: progress.rpcType,
      reason: reject.code,
    });
    metrics.observer.refused(reject.code);
    exchange.refuse(reject);
    this.#log("relay refused", reject, progress.relay);
  }

  #log(message: string, reject: Reject, relay: DecodedRelay | undefined): void {
    const fields = {
      reason: reject.code,
      ...reject.fields,
      ...(relay && {
        service: relay.header.serviceId,
        supplier: relay.supplier,
        application: relay.header.applicationAddress,
        session: relay.header.sessionId,
      }),
      ...(reject.cause instanceof Error && { cause: reject.cause.message }),
    };
    this.#given.logger[REJECTS[reject.code].level](fields, message);
  }
}
