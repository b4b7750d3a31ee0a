import { Comet38Client } from "@cosmjs/tendermint-rpc";
import type { Clock } from "../../base/clock.ts";
import { AppError, toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { isTransportFailure, lacksHeight } from "./rpc-error.ts";
import { RpcTransport } from "./rpc-transport.ts";

export type Endpoint = {
  readonly name: string;
  readonly rpc: RpcTransport;
  readonly comet: Comet38Client;
  /** Newest height this endpoint is known to have; 0 until it answered once. */
  height: bigint;
  failures: number;
  /** On the clock's monotonic scale: until then the endpoint is asked last. */
  avoidUntil: number;
};

export type EndpointsOptions = {
  readonly urls: readonly string[];
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
};

const ROUNDS = 2;
const ROUND_PAUSE_MS = 200;
const AVOID_FIRST_MS = 1_000;
const AVOID_MAX_MS = 30_000;
const AVOID_BEHIND_MS = 2_000;
/** Blocks an endpoint may be behind the best one and still be asked in its turn. */
export const HEIGHT_SLACK = 2n;

/** The endpoints in the operator's order, with what is known of their health and height; calls go over to the next one on failure. */
export class Endpoints {
  readonly all: readonly Endpoint[];
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor({ urls, timeoutMs, clock, logger }: EndpointsOptions) {
    if (urls.length === 0) throw new AppError("CONFIG_INVALID", "no CometBFT RPC endpoint is configured");
    this.#clock = clock;
    this.#logger = logger;
    this.all = urls.map((url) => {
      const rpc = new RpcTransport({ url, timeoutMs, clock });
      return {
        name: rpc.name,
        rpc,
        comet: Comet38Client.create(rpc),
        height: 0n,
        failures: 0,
        avoidUntil: 0,
      };
    });
  }

  /** Greatest height any endpoint is known to have. */
  get bestHeight(): bigint {
    let best = 0n;
    for (const { height } of this.all) if (height > best) best = height;
    return best;
  }

  /** Configured order; those that failed of late or are behind come last. */
  inOrder(): readonly Endpoint[] {
    const usable = this.usable();
    return [...usable, ...this.all.filter((endpoint) => !usable.includes(endpoint))];
  }

  /** Those that are neither failing nor known to be behind, in the configured order. */
  usable(): readonly Endpoint[] {
    const now = this.#clock.monotonic();
    return this.all.filter(({ avoidUntil }) => avoidUntil <= now);
  }

  /**
   * A read: each endpoint in order, then once more after a pause. A refusal is an answer and ends it, except that an endpoint which lacks
   * the height hands over to the next one.
   */
  async read<T>(work: (endpoint: Endpoint) => Promise<T>): Promise<T> {
    let failure: AppError | undefined;
    for (let round = 0; round < ROUNDS; round++) {
      if (round > 0) await this.#clock.sleep(ROUND_PAUSE_MS);
      const outcome = await this.pass(work);
      if ("value" in outcome) return outcome.value;
      failure = outcome.failure;
      if (!isTransportFailure(failure)) throw failure;
    }
    throw failure;
  }

  /** One pass over the endpoints: the first answer, or the failure that says most. */
  async pass<T>(work: (endpoint: Endpoint) => Promise<T>): Promise<{ value: T } | { failure: AppError }> {
    let failure: AppError | undefined;
    for (const endpoint of this.inOrder()) {
      try {
        return { value: await this.attempt(endpoint, work) };
      } catch (thrown) {
        const error = thrown as AppError;
        if (!isTransportFailure(error) && !lacksHeight(error)) throw error;
        if (failure === undefined || !lacksHeight(failure)) failure = error;
      }
    }
    return { failure: failure ?? new AppError("CHAIN_UNREACHABLE", "no endpoint answered") };
  }

  /** One call to one endpoint; its health is noted. Throws only AppError. */
  async attempt<T>(endpoint: Endpoint, work: (endpoint: Endpoint) => Promise<T>): Promise<T> {
    try {
      const value = await work(endpoint);
      this.#well(endpoint);
      return value;
    } catch (thrown) {
      const error = coded(thrown, endpoint.name);
      if (isTransportFailure(error)) this.#failed(endpoint, error);
      else this.#well(endpoint);
      throw error;
    }
  }

  /** Notes a height that the endpoint has shown. False when it is far behind the best one; then it is asked last for a while. */
  saw(endpoint: Endpoint, height: bigint): boolean {
    endpoint.height = height;
    if (height + HEIGHT_SLACK >= this.bestHeight) return true;
    this.avoid(endpoint);
    return false;
  }

  /** Asked last for a while, without counting as a failure: it is behind or catching up. */
  avoid(endpoint: Endpoint): void {
    const until = this.#clock.monotonic() + AVOID_BEHIND_MS;
    if (endpoint.avoidUntil < until) endpoint.avoidUntil = until;
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map(({ rpc }) => rpc.close()));
  }

  #well(endpoint: Endpoint): void {
    if (endpoint.failures === 0) return;
    this.#logger.info(
      { endpoint: endpoint.name, failures: endpoint.failures },
      "chain endpoint answers again",
    );
    endpoint.failures = 0;
    endpoint.avoidUntil = 0;
  }

  #failed(endpoint: Endpoint, error: AppError): void {
    const pause = Math.min(AVOID_FIRST_MS * 2 ** endpoint.failures, AVOID_MAX_MS);
    endpoint.failures += 1;
    endpoint.avoidUntil = this.#clock.monotonic() + pause;
    const fields = {
      endpoint: endpoint.name,
      code: error.code,
      error: error.message,
      failures: endpoint.failures,
    };
    if (endpoint.failures === 1) this.#logger.warn(fields, "chain endpoint failed");
    else this.#logger.debug(fields, "chain endpoint still fails");
  }
}

/** cosmjs's decoders throw plain errors, our codecs BAD_PROTO: both mean that the endpoint's answer makes no sense. */
function coded(thrown: unknown, endpoint: string): AppError {
  if (thrown instanceof AppError && thrown.code.startsWith("CHAIN_")) return thrown;
  const message = `the node's answer cannot be read: ${toError(thrown).message}`;
  return new AppError("CHAIN_BAD_ANSWER", message, { endpoint }, thrown);
}
