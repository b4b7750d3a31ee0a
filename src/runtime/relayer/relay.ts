import type { AnsweredRelay, RelayLeaf } from "../../chain/protocol/relay-answer.ts";
import { type AnswerChoices, refuse } from "./answers.ts";
import type { Exchange } from "./exchange.ts";
import type { RelayerMetrics } from "./metrics.ts";
import { toReject } from "./rejects.ts";
import type { PreparedSession } from "./sessions.ts";
import { SIMULATION_HEADER, type SimulatedRelays } from "./simulation/simulated.ts";
import type { Admitted, Routed } from "./steps/admit.ts";
import type { DecodedRelay, HttpRelay } from "./steps/decode.ts";
import type { Forwarded } from "./steps/forward.ts";
import { type Metered, orRefund } from "./steps/meter.ts";
import { StreamOrder } from "./streaming/order.ts";
import type { RelayStream, StreamedAnswer } from "./streaming/streaming.ts";
import type { Users } from "./users.ts";
import { type Progress, type RelayWork, unread } from "./work.ts";

/** The steps with what they need bound in by main.ts; each throws Reject. */
export type Steps = {
  decode(exchange: Exchange): HttpRelay;
  admit(relay: HttpRelay, exchange: Exchange): Routed;
  verify(relay: DecodedRelay): Promise<PreparedSession>;
  meter(relay: DecodedRelay, session: PreparedSession): Promise<Metered>;
  forward(relay: HttpRelay, admitted: Routed, exchange: Exchange): Promise<Forwarded>;
  sign(relay: DecodedRelay, payload: Uint8Array): AnsweredRelay;
  /** Instead of `sign`, for an answer that comes as a stream. */
  stream(relay: DecodedRelay, admitted: Admitted, answer: StreamedAnswer, exchange: Exchange): RelayStream;
  publish(relay: DecodedRelay, session: PreparedSession, signed: RelayLeaf): Promise<void>;
};

type Dependencies = {
  readonly steps: Steps;
  readonly work: RelayWork;
  readonly metrics: RelayerMetrics;
  readonly publishBeforeReply: boolean;
  readonly answers: AnswerChoices;
  /** Undefined where simulated relays are not enabled: what asks to be one is a relay like any. */
  readonly simulation: SimulatedRelays | undefined;
  /** Told of each relay that works with these steps. */
  readonly users: Users;
};

/** The order of a relay (architecture 3). Nothing here knows a transport; no step knows another. */
export class RelayPipeline {
  readonly #given: Dependencies;
  readonly #streams: StreamOrder;

  constructor(given: Dependencies) {
    this.#given = given;
    this.#streams = new StreamOrder(given);
  }

  /** Serves one relay from request to stored leaf. Never rejects: what goes wrong is answered, counted and logged. */
  async serve(exchange: Exchange): Promise<void> {
    const { work, users, simulation, answers } = this.#given;
    const progress = unread();
    users.enter();
    work.begin();
    try {
      work.requireRoom();
      const keyId = simulation && exchange.header(SIMULATION_HEADER);
      if (simulation && keyId) await simulation.serve(exchange, keyId);
      else await this.#relay(exchange, progress);
    } catch (thrown) {
      const reject = toReject(thrown);
      refuse(exchange, progress.relay, reject, answers);
      work.refused(progress, reject);
    } finally {
      work.end();
      users.leave();
    }
  }

  /** Throws Reject at once, or rejects with it. */
  #relay(exchange: Exchange, progress: Progress): Promise<void> {
    const { steps, work } = this.#given;
    const relay = steps.decode(exchange);
    progress.relay = relay;
    const admitted = steps.admit(relay, exchange);
    progress.service = admitted.service.id;
    progress.rpcType = admitted.rpcType;
    work.received(admitted, exchange.body.length);
    return admitted.service.mode === "eager"
      ? this.#eager(exchange, relay, admitted)
      : this.#optimistic(exchange, relay, admitted);
  }

  /** Nothing reaches the backend that the chain would not pay; nothing is answered that is not stored. */
  async #eager(exchange: Exchange, relay: HttpRelay, admitted: Routed): Promise<void> {
    const { steps, work, publishBeforeReply } = this.#given;
    const session = await work.verified(relay, "eager", steps.verify);
    const metered = await steps.meter(relay, session);
    let signed: AnsweredRelay;
    let forwarded: Forwarded;
    try {
      forwarded = await steps.forward(relay, admitted, exchange);
      if (
        forwarded.stream !== undefined &&
        (await this.#streams.eager({ relay, admitted, exchange, answer: forwarded.stream }, session, metered))
      )
        return;
      signed = steps.sign(relay, forwarded.payload);
      if (publishBeforeReply) await steps.publish(relay, session, signed);
    } catch (thrown) {
      await metered.refund();
      throw thrown;
    }
    this.#answer(exchange, admitted, forwarded, signed);
    if (!publishBeforeReply)
      await work.afterwards(relay, () => orRefund(metered, () => steps.publish(relay, session, signed)));
  }

  /** Answered first, then checked: what fails a check was served for nothing and is not mined. */
  async #optimistic(exchange: Exchange, relay: HttpRelay, admitted: Routed): Promise<void> {
    const { steps, work, metrics } = this.#given;
    const forwarded = await steps.forward(relay, admitted, exchange);
    if (
      forwarded.stream !== undefined &&
      (await this.#streams.optimistic({ relay, admitted, exchange, answer: forwarded.stream }))
    )
      return;
    const signed = steps.sign(relay, forwarded.payload);
    this.#answer(exchange, admitted, forwarded, signed);
    metrics.optimistic.inc({ service_id: admitted.service.id, rpc_type: admitted.rpcType });
    await work.afterwards(relay, async () => {
      const session = await work.verified(relay, "optimistic", steps.verify);
      const metered = await steps.meter(relay, session);
      await orRefund(metered, () => steps.publish(relay, session, signed));
    });
  }

  #answer(exchange: Exchange, admitted: Admitted, forwarded: Forwarded, signed: AnsweredRelay): void {
    exchange.reply(signed.responseBytes, forwarded.retries);
    this.#given.work.served(admitted, forwarded.status, exchange.receivedAt, signed.responseBytes.length);
  }
}
