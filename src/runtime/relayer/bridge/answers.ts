import { toLatin1 } from "../../../base/bytes.ts";
import type { Clock } from "../../../base/clock.ts";
import type { AnsweredRelay } from "../../../chain/protocol/relay-answer.ts";
import { type Reject, toReject } from "../rejects.ts";
import { type Metered, orRefund } from "../steps/meter.ts";
import type { Frame } from "./ends.ts";
import type { MessageWork } from "./messages.ts";
import type { WebSocketMetrics } from "./metrics.ts";
import { type Account, Prepaid } from "./prepaid.ts";
import type { Asked } from "./request.ts";

type Given = {
  readonly work: MessageWork;
  readonly clock: Clock;
  readonly metrics: WebSocketMetrics;
};

/** An answer that its client may have. */
export type Answer = {
  readonly frame: Frame;
  /** What its time is counted from, by the monotonic clock. */
  readonly since: number;
};

/** Leaves that are remembered of one request. */
const MAX_LEAVES = 1_024;

/** The answers of one connection: each a relay, signed, charged and stored before its client gets it, and a repeated one none. */
export class Answers {
  readonly #given: Given;
  readonly #prepaid = new Prepaid();

  constructor(given: Given) {
    this.#given = given;
  }

  /** Charges of requests that had no answer yet. */
  get prepaid(): number {
    return this.#prepaid.count;
  }

  /** The charge of a request that goes to the backend, for its first answer. */
  prepay(charge: Metered, account: Account): void {
    this.#prepaid.add(charge, account);
  }

  /** One message of the backend as an answer to the request. Gives why not, when there is none; that is counted and logged then. */
  async answer(asked: Asked, { data, isBinary }: Frame): Promise<Answer | Reject> {
    const { work, clock } = this.#given;
    const { relay, verified, messages, admitted } = asked;
    const { steps, publishBeforeReply, users } = messages;
    const since = asked.leaves.size === 0 ? asked.receivedAt : clock.monotonic();
    users.enter();
    work.begin();
    try {
      const signed = steps.sign(relay, data);
      const answer = { frame: { data: signed.responseBytes, isBinary }, since };
      // The same answer to the same request is the same leaf: it earns nothing, and costs nothing.
      if (this.#isKnown(asked, signed)) return answer;
      const charge = this.#prepaid.take() ?? (await verified.meterFurther());
      const store = () => this.#publish(asked, signed, charge);
      if (publishBeforeReply) await store();
      else void this.#inWork(work.afterwards(relay, store));
      return answer;
    } catch (thrown) {
      const reject = toReject(thrown);
      work.refused({ service: admitted.service.id, rpcType: admitted.rpcType, relay }, reject);
      return reject;
    } finally {
      work.end();
      users.leave();
    }
  }

  /** The connection is over: what was not used is given back. */
  close(): void {
    void this.#inWork(this.#prepaid.refund());
  }

  #isKnown({ leaves, admitted }: Asked, { relayHash }: AnsweredRelay): boolean {
    const leaf = toLatin1(relayHash);
    if (leaves.has(leaf)) {
      this.#given.metrics.repeated.inc({ service_id: admitted.service.id });
      return true;
    }
    const [oldest] = leaves;
    if (leaves.size >= MAX_LEAVES && oldest !== undefined) leaves.delete(oldest);
    leaves.add(leaf);
    return false;
  }

  async #publish({ relay, verified }: Asked, signed: AnsweredRelay, charge: Metered): Promise<void> {
    await orRefund(charge, () => verified.publish(signed, charge));
    this.#given.metrics.relays.inc({ service_id: relay.header.serviceId });
  }

  /** Whoever drains this process waits for it. */
  async #inWork(ending: Promise<void>): Promise<void> {
    const { work } = this.#given;
    work.begin();
    await ending;
    work.end();
  }
}
