import type { Clock } from "../../../base/clock.ts";
import { answerPart, leafOfHash } from "../../../chain/protocol/relay-answer.ts";
import type { KeyRing } from "../../keys/key-ring.ts";
import type { Exchange } from "../exchange.ts";
import type { RelayerMetrics } from "../metrics.ts";
import { Reject } from "../rejects.ts";
import { RelayStream, type StreamedAnswer } from "../streaming/streaming.ts";
import type { Admitted } from "./admit.ts";
import type { DecodedRelay } from "./decode.ts";

type Dependencies = {
  readonly keys: KeyRing;
  readonly clock: Clock;
  readonly metrics: RelayerMetrics;
  readonly openStreams: OpenStreams;
  /** Streams at once. */
  readonly maxStreams: number;
};

/** How many streams are open in this process, whatever they began with. */
export class OpenStreams {
  readonly #gauge: RelayerMetrics["streams"]["open"];
  #count = 0;

  constructor({ streams }: RelayerMetrics) {
    this.#gauge = streams.open;
  }

  get count(): number {
    return this.#count;
  }

  change(by: 1 | -1): void {
    this.#count += by;
    this.#gauge.set(this.#count);
  }
}

/** Opens streams: batches of lines, each signed as an answer to the same request (relay-path 6.4). Throws Reject overloaded. */
export function streamer({ keys, clock, metrics, openStreams, maxStreams }: Dependencies) {
  return (
    { request, supplier }: DecodedRelay,
    { service }: Admitted,
    answer: StreamedAnswer,
    exchange: Exchange,
  ): RelayStream => {
    if (openStreams.count >= maxStreams) {
      answer.body.breakOff();
      throw new Reject("overloaded", "too many streams are open");
    }
    openStreams.change(1);
    const labels = { service_id: service.id };
    const sign = (digest: Uint8Array) => keys.sign(supplier, digest);
    return new RelayStream({
      answer,
      exchange,
      bounds: service.streamBounds,
      signing: {
        part: (payload) => answerPart(request, payload, sign),
        leaf: (payloadHash) => leafOfHash(request, payloadHash, sign),
      },
      clock,
      onBatch: (bytes) => {
        metrics.streams.batches.inc(labels);
        metrics.streams.bytes.inc(labels, bytes);
      },
      onOver: () => openStreams.change(-1),
    });
  };
}
