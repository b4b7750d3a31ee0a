import type { RelayLeaf } from "../../../chain/protocol/relay-answer.ts";
import type { Exchange } from "../exchange.ts";
import type { RelayerMetrics } from "../metrics.ts";
import { type Reject, toReject } from "../rejects.ts";
import type { PreparedSession } from "../sessions.ts";
import type { Admitted } from "../steps/admit.ts";
import type { DecodedRelay } from "../steps/decode.ts";
import { type Metered, orRefund } from "../steps/meter.ts";
import type { RelayWork } from "../work.ts";
import type { RelayStream, StreamedAnswer } from "./streaming.ts";

type Dependencies = {
  readonly steps: {
    stream(relay: DecodedRelay, admitted: Admitted, answer: StreamedAnswer, exchange: Exchange): RelayStream;
    verify(relay: DecodedRelay): Promise<PreparedSession>;
    meter(relay: DecodedRelay, session: PreparedSession): Promise<Metered>;
    publish(relay: DecodedRelay, session: PreparedSession, leaf: RelayLeaf): Promise<void>;
  };
  readonly work: RelayWork;
  readonly metrics: RelayerMetrics;
  readonly publishBeforeReply: boolean;
};

/** A relay whose answer has begun to come. */
type Streamed = {
  readonly relay: DecodedRelay;
  readonly admitted: Admitted;
  readonly exchange: Exchange;
  readonly answer: StreamedAnswer;
};

type Paid = { readonly session: PreparedSession; readonly metered: Metered };

/**
 * The end of the order of a relay whose answer is a stream (relay-path 6.4). It is one relay: stored when the backend has ended it, and
 * paid for then. One that breaks off, whoever did it, earns nothing and costs its application nothing.
 */
export class StreamOrder {
  readonly #given: Dependencies;

  constructor(given: Dependencies) {
    this.#given = given;
  }

  /**
   * False if there was nothing to stream and the relay can go on like any other. Throws Reject while the client can be refused; it is
   * not refunded then.
   */
  async eager(streamed: Streamed, session: PreparedSession, metered: Metered): Promise<boolean> {
    const { steps, work, publishBeforeReply } = this.#given;
    const { relay } = streamed;
    const stream = this.#open(streamed);
    let leaf: RelayLeaf | undefined;
    try {
      leaf = await stream.run(async (whole) => {
        if (publishBeforeReply) await steps.publish(relay, session, whole);
      });
    } catch (thrown) {
      if (stream.beganAt === undefined) throw thrown;
      await metered.refund();
      this.#brokenOff(streamed, toReject(thrown));
      return true;
    }
    if (leaf === undefined) return false;
    const mined = leaf;
    this.#served(streamed, stream);
    if (!publishBeforeReply)
      await work.afterwards(relay, () => orRefund(metered, () => steps.publish(relay, session, mined)));
    return true;
  }

  /**
   * As above. The relay is checked while the stream runs, and not at its end, which may be long after its session's: one that the
   * chain would not pay is broken off.
   */
  async optimistic(streamed: Streamed): Promise<boolean> {
    const { steps, work, metrics } = this.#given;
    const { relay, admitted } = streamed;
    const stream = this.#open(streamed);
    const checked = this.#checked(relay, stream);
    let leaf: RelayLeaf | undefined;
    try {
      leaf = await stream.run(async () => undefined);
    } catch (thrown) {
      await refund(checked);
      if (stream.beganAt === undefined) throw thrown;
      this.#brokenOff(streamed, toReject(thrown));
      return true;
    }
    if (leaf === undefined) {
      await refund(checked);
      return false;
    }
    const mined = leaf;
    this.#served(streamed, stream);
    metrics.optimistic.inc({ service_id: admitted.service.id, rpc_type: admitted.rpcType });
    await work.afterwards(relay, async () => {
      const { session, metered } = await paid(checked);
      await orRefund(metered, () => steps.publish(relay, session, mined));
    });
    return true;
  }

  #open({ relay, admitted, answer, exchange }: Streamed): RelayStream {
    return this.#given.steps.stream(relay, admitted, answer, exchange);
  }

  /** The check of a stream that runs. What a client must answer for ends it; when we cannot check, it goes on, and is not mined. */
  async #checked(relay: DecodedRelay, stream: RelayStream): Promise<Paid | Reject> {
    const { steps, work } = this.#given;
    try {
      const session = await work.verified(relay, "optimistic", steps.verify);
      return { session, metered: await steps.meter(relay, session) };
    } catch (thrown) {
      const reject = toReject(thrown);
      if (reject.status < 500) stream.stop(reject);
      return reject;
    }
  }

  #served({ admitted, exchange, answer }: Streamed, stream: RelayStream): void {
    const { work, metrics } = this.#given;
    metrics.streams.served.inc({ service_id: admitted.service.id });
    work.served(admitted, answer.status, exchange.receivedAt, stream.sentBytes, stream.beganAt);
  }

  #brokenOff({ relay, admitted }: Streamed, reject: Reject): void {
    const { work, metrics } = this.#given;
    metrics.streams.brokenOff.inc({ service_id: admitted.service.id, reason: reject.code });
    work.dropped(relay, reject);
  }
}

async function paid(checked: Promise<Paid | Reject>): Promise<Paid> {
  const outcome = await checked;
  if ("metered" in outcome) return outcome;
  throw outcome;
}

async function refund(checked: Promise<Paid | Reject>): Promise<void> {
  const outcome = await checked;
  if ("metered" in outcome) await outcome.metered.refund();
}
