import { createHash, type Hash } from "node:crypto";
import type { Clock } from "../../../base/clock.ts";
import { PoktHttpResponse } from "../../../chain/proto/http-envelope.ts";
import type { RelayLeaf } from "../../../chain/protocol/relay-answer.ts";
import type { RelayerConfig } from "../../config/relayer.ts";
import type { StreamingConfig } from "../../config/streaming.ts";
import type { StreamedBody } from "../backends/backend.ts";
import type { Exchange, StreamedReply } from "../exchange.ts";
import { Reject, toReject } from "../rejects.ts";
import { framesOf } from "./frames.ts";
import { LineBatches } from "./lines.ts";

/** Whole lines wait so long for their batch to be full, whether or not more lines come (relay-path 6.4 has the figure). */
const FLUSH_MS = 100;
const BYTES_PER_MEGABYTE = 1_048_576;

/** The bounds of a service's streams. */
export function streamBounds(streaming: StreamingConfig, config: RelayerConfig): StreamBounds {
  const profile = config.timeout_profiles[streaming.timeout_profile] ?? config.timeout_profiles.streaming;
  return {
    totalMs: profile.request_seconds * 1000,
    atTimeLimit: streaming.at_time_limit,
    idleMs: streaming.idle_seconds * 1000,
    maxLineBytes: streaming.max_line_bytes,
    maxMegabytes: streaming.max_megabytes,
    slowClientMs: config.relay.streaming.slow_client_seconds * 1000,
  };
}

/** What a backend streams. */
export type StreamedAnswer = {
  readonly status: number;
  /** For the client: lower-case names, nothing of the backend's connection. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: StreamedBody;
};

export type StreamBounds = {
  /** From the request to the end of the stream, and what happens then. */
  readonly totalMs: number;
  readonly atTimeLimit: "break_off" | "end";
  /** Silence of the backend; 0 for any. */
  readonly idleMs: number;
  readonly maxLineBytes: number;
  readonly maxMegabytes: number;
  /** How long a client may leave no room for more. */
  readonly slowClientMs: number;
};

type Signing = {
  /** A signed RelayResponse around a payload. */
  readonly part: (payload: Uint8Array) => Uint8Array;
  /** What is mined of a payload with that hash. */
  readonly leaf: (payloadHash: Uint8Array) => RelayLeaf;
};

export type StreamGiven = {
  readonly answer: StreamedAnswer;
  readonly exchange: Pick<Exchange, "client" | "receivedAt" | "stream">;
  readonly bounds: StreamBounds;
  readonly signing: Signing;
  readonly clock: Clock;
  /** A signed batch of so many bytes is on its way. */
  readonly onBatch: (bytes: number) => void;
  /** Called once, however it ends. */
  readonly onOver: () => void;
};

/**
 * One answer that is passed on as it comes: batches of lines, each a signed RelayResponse. All of it is one relay, whose payload are all
 * lines (relay-path 6.4); they are hashed as they pass, and held nowhere. A client that reads slowly slows the backend down.
 */
export class RelayStream {
  readonly #given: StreamGiven;
  readonly #batches: LineBatches;
  readonly #hash: Hash = createHash("sha256");
  #reply: StreamedReply | undefined;
  #beganAt: number | undefined;
  #received = 0;
  #sent = 0;
  #heardAt: number;
  #flow: "open" | "blocked" | "over" = "open";
  #endFlow: (reject: Reject | undefined) => void = () => undefined;
  /** Timers, by what they are for; each is called off by its function. */
  readonly #timers = new Map<"flush" | "total" | "idle" | "client", () => void>();

  constructor(given: StreamGiven) {
    this.#given = given;
    this.#heardAt = given.clock.monotonic();
    const { maxLineBytes } = given.bounds;
    this.#batches = new LineBatches({ maxLineBytes, emit: (batch) => this.#send(batch) });
  }

  /** Milliseconds of the monotonic clock when the first batch went out; undefined while the client has nothing and can be refused. */
  get beganAt(): number | undefined {
    return this.#beganAt;
  }

  /** Bytes the client got, or will. */
  get sentBytes(): number {
    return this.#sent;
  }

  /**
   * Passes the answer on. When the backend has ended it, `store` is called with the leaf, and what ends the client's answer waits for it.
   * Resolves with the leaf, or with undefined if there was not one line: such an answer is none to stream. Throws Reject backend_error,
   * backend_timeout, client_gone, and what `store` throws; the client's answer is then broken off, if it began.
   */
  async run(store: (leaf: RelayLeaf) => Promise<void>): Promise<RelayLeaf | undefined> {
    try {
      await this.#flowing();
      const last = this.#batches.rest();
      if (this.#sent === 0 && last.length === 0) return undefined;
      this.#hash.update(last);
      const leaf = this.#given.signing.leaf(this.#hash.digest());
      await store(leaf);
      if (last.length > 0) this.#write(last);
      this.#reply?.end();
      return leaf;
    } catch (thrown) {
      this.#reply?.breakOff();
      throw thrown;
    } finally {
      this.#given.onOver();
    }
  }

  /** Ends it before its time: `run` throws the reason. */
  stop(reject: Reject): void {
    this.#over(reject);
  }

  /** Until the backend has ended the answer, or somebody the stream. */
  async #flowing(): Promise<void> {
    const { answer, exchange, bounds, clock } = this.#given;
    const reject = await new Promise<Reject | undefined>((resolve) => {
      this.#endFlow = resolve;
      const left = exchange.receivedAt + bounds.totalMs - clock.monotonic();
      this.#timer("total", left, () => this.#atTimeLimit());
      if (bounds.idleMs > 0) this.#timer("idle", bounds.idleMs, () => this.#idle());
      answer.body.read({ chunk: (bytes) => this.#chunk(bytes), over: (why) => this.#over(why) });
      if (this.#flow !== "over") exchange.client.whenGone(() => this.#over(new Reject("client_gone")));
    });
    if (reject !== undefined) throw reject;
  }

  #chunk(bytes: Buffer): void {
    this.#received += bytes.length;
    this.#heardAt = this.#given.clock.monotonic();
    if (this.#received > this.#given.bounds.maxMegabytes * BYTES_PER_MEGABYTE) {
      this.#over(new Reject("backend_error", "the stream is larger than it may be"));
      return;
    }
    this.#batches.add(bytes);
    if (!this.#batches.waiting) this.#callOff("flush");
    else if (!this.#timers.has("flush")) this.#timer("flush", FLUSH_MS, () => this.#batches.flush());
  }

  /** A batch that is not the last one. */
  #send(batch: Buffer): void {
    if (this.#flow === "over") return;
    this.#callOff("flush");
    this.#hash.update(batch);
    try {
      if (!this.#write(batch) && this.#flow === "open") this.#block();
    } catch (thrown) {
      // Called from a timer or a socket: nobody else would catch it.
      this.#over(toReject(thrown));
    }
  }

  /** False if the client does not keep up. */
  #write(batch: Buffer): boolean {
    const { answer, exchange, signing, clock, onBatch } = this.#given;
    const { status } = answer;
    this.#reply ??= exchange.stream(status, answer.headers);
    this.#beganAt ??= clock.monotonic();
    let hasRoom = true;
    const sign = (bodyBz: Uint8Array) =>
      signing.part(PoktHttpResponse.encode({ statusCode: status, header: NO_HEADERS, bodyBz }));
    for (const frame of framesOf(batch, sign)) {
      hasRoom = this.#reply.write(frame);
      this.#sent += frame.length;
      onBatch(frame.length);
    }
    return hasRoom;
  }

  #block(): void {
    this.#flow = "blocked";
    this.#given.answer.body.pause();
    const { slowClientMs } = this.#given.bounds;
    const tooSlow = new Reject("client_gone", "it reads too slowly");
    this.#timer("client", slowClientMs, () => this.#over(tooSlow));
    this.#reply?.whenDrained(() => {
      if (this.#flow !== "blocked") return;
      this.#flow = "open";
      this.#callOff("client");
      this.#heardAt = this.#given.clock.monotonic();
      this.#given.answer.body.resume();
    });
  }

  #atTimeLimit(): void {
    const { bounds, answer } = this.#given;
    const mayEnd = bounds.atTimeLimit === "end" && this.#beganAt !== undefined;
    if (mayEnd) answer.body.breakOff();
    this.#over(mayEnd ? undefined : new Reject("backend_timeout", "the stream did not end in time"));
  }

  /** One timer for the whole stream, which looks when something last came; the time in which the client held it up does not count. */
  #idle(): void {
    const { clock, bounds } = this.#given;
    const silent = this.#flow === "blocked" ? 0 : clock.monotonic() - this.#heardAt;
    if (silent >= bounds.idleMs)
      this.#over(new Reject("backend_timeout", "the stream was silent for too long"));
    else this.#timer("idle", bounds.idleMs - silent, () => this.#idle());
  }

  #over(reject: Reject | undefined): void {
    if (this.#flow === "over") return;
    this.#flow = "over";
    for (const callOff of this.#timers.values()) callOff();
    this.#timers.clear();
    const { exchange, answer } = this.#given;
    exchange.client.whenGone(undefined);
    if (reject !== undefined) answer.body.breakOff();
    this.#endFlow(reject);
  }

  #timer(name: "flush" | "total" | "idle" | "client", ms: number, act: () => void): void {
    const callOff = this.#given.clock.after(Math.max(0, ms), () => {
      this.#timers.delete(name);
      act();
    });
    this.#timers.set(name, callOff);
  }

  #callOff(name: "flush" | "client"): void {
    this.#timers.get(name)?.();
    this.#timers.delete(name);
  }
}

const NO_HEADERS: ReadonlyMap<string, never> = new Map<string, never>();
