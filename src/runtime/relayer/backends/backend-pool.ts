import type { IncomingHttpHeaders } from "node:http";
import type { BackendConfig } from "../../config/backends.ts";
import { Reject, toReject } from "../rejects.ts";
import type { AnswerLimits } from "./answer-limits.ts";
import { askOf, outcomeOf } from "./asking.ts";
import type { Backend, BackendAnswer, BackendLoad, BackendRequest } from "./backend.ts";
import type { Outcome } from "./circuit.ts";
import type { EndpointSet, EndpointState } from "./endpoint-set.ts";
import { inflated, isGzip } from "./gzip.ts";
import { HoldTime } from "./hold-time.ts";
import type { HttpEndpoint } from "./http-endpoint.ts";
import { Pace } from "./pace.ts";
import type { RetryBudget } from "./retry-budget.ts";
import { type Endpoint, targetPath } from "./target.ts";
import type { WaitLine } from "./wait-line.ts";

const METHOD = /^[A-Z]{1,16}$/;
/** CONNECT asks for a tunnel, TRACE for our own headers back. */
const REFUSED_METHODS = new Set(["CONNECT", "TRACE"]);

/** What happened that metrics are told of. */
export type PoolEvents = {
  readonly waited: (seconds: number) => void;
  readonly shed: (reason: "full" | "late" | "down") => void;
  readonly retried: (outcome: Outcome) => void;
};

export type PoolParts = {
  readonly service: string;
  readonly config: BackendConfig;
  readonly endpoints: EndpointSet<HttpEndpoint>;
  readonly line: WaitLine<HttpEndpoint>;
  readonly budget: RetryBudget;
  readonly limits: AnswerLimits;
  readonly events: PoolEvents;
  /** To one endpoint. */
  readonly connections: number;
  /** In work and waiting, of all endpoints: one slow service must not use up what the others need. */
  readonly mostRequests: number;
  /** From the request to the last byte of the answer, waiting and retries included. */
  readonly timeoutMs: number;
};

/**
 * A backend that is asked over HTTP: each request has a connection of its own, or waits for one in a line that is bounded in number and
 * time; it is tried again at another endpoint when the first one is at fault.
 */
export class BackendPool implements Backend {
  readonly #parts: PoolParts;
  readonly #isFree: (wired: HttpEndpoint) => boolean;
  readonly #holds = new HoldTime();
  readonly #pace: Pace;
  #inFlight = 0;

  constructor(parts: PoolParts) {
    this.#parts = parts;
    const { connections, limits } = parts;
    this.#pace = new Pace(limits.clock, () => this.#serveLine());
    this.#isFree = ({ busy }) => busy < connections;
  }

  get config(): BackendConfig {
    return this.#parts.config;
  }

  states(): readonly EndpointState[] {
    return this.#parts.endpoints.states();
  }

  load(): BackendLoad {
    const { endpoints, line } = this.#parts;
    return {
      inFlight: this.#inFlight,
      capacity: this.#roomAt(endpoints.all.length),
      waiting: line.length,
      open: endpoints.all.reduce((sum, { pool }) => sum + pool.stats.connected, 0),
    };
  }

  /** How many requests so many endpoints take at once. */
  #roomAt(endpoints: number): number {
    const { connections, mostRequests } = this.#parts;
    return Math.min(mostRequests, connections * endpoints);
  }

  /** Milliseconds until so many have had a connection, if the backend goes on as it does and its endpoints stay as they are. */
  #timeFor(requests: number): number {
    return this.#holds.waitFor(requests, this.#roomAt(Math.max(1, this.#parts.endpoints.spread)));
  }

  requireRoom(): void {
    const { endpoints, line } = this.#parts;
    if (!endpoints.hasAny) throw this.#down();
    // Who would leave the line unserved is not let in: by then his relay would have been verified, metered and refunded.
    if (line.length > 0 && (line.isFull || this.#timeFor(line.length) > line.patienceMs))
      throw this.#shed(new Reject("backend_saturated"), "full");
  }

  /** A gzip answer comes inflated. Redirects are answers, not followed. */
  async ask(request: BackendRequest): Promise<BackendAnswer> {
    if (!METHOD.test(request.method) || REFUSED_METHODS.has(request.method))
      throw new Reject("bad_request", "the inner request's method is not allowed");
    if (request.client.gone) throw new Reject("client_gone");
    const { limits, budget, timeoutMs } = this.#parts;
    const start = limits.clock.monotonic();
    budget.asked(start);
    const deadline = start + timeoutMs;
    let since = start;
    // Whoever comes while others wait is behind them.
    let wired = this.#parts.line.length > 0 ? undefined : this.#take();
    if (wired === undefined) {
      wired = await this.#wait(request, start);
      since = limits.clock.monotonic();
    }
    let answer: BackendAnswer | Reject = await this.#askAt(wired, request, since, deadline);
    if (isFault(answer)) answer = await this.#again(answer, wired, request, deadline);
    if (answer instanceof Reject) throw answer;
    return isGzip(answer) ? inflated(answer, limits) : answer;
  }

  /** What active checks say of an endpoint. */
  checked(wired: HttpEndpoint, check: "up" | "down", why: string): void {
    this.#parts.endpoints.checked(wired, check, why);
    this.#serveLine();
  }

  async close(): Promise<void> {
    const { endpoints, line } = this.#parts;
    line.refuseAll(() => new Reject("draining"));
    this.#pace.stop();
    await Promise.all(endpoints.all.map(({ pool }) => pool.destroy()));
  }

  /** An endpoint with a connection for one more request, which it has from now on. */
  #take(tried?: readonly HttpEndpoint[]): HttpEndpoint | undefined {
    const { endpoints, mostRequests } = this.#parts;
    if (this.#inFlight >= mostRequests) return undefined;
    const wired = endpoints.next(tried, this.#isFree);
    if (wired === undefined) return undefined;
    wired.busy += 1;
    this.#inFlight += 1;
    return wired;
  }

  #release(wired: HttpEndpoint, since: number): void {
    this.#holds.held(this.#parts.limits.clock.monotonic() - since);
    wired.busy -= 1;
    this.#inFlight -= 1;
    this.#serveLine();
  }

  async #wait({ client }: BackendRequest, start: number): Promise<HttpEndpoint> {
    const { endpoints, line, events, limits } = this.#parts;
    if (!endpoints.hasAny) throw this.#down();
    if (line.isFull) throw this.#shed(new Reject("backend_saturated", "too many wait already"), "full");
    const waited = () => events.waited((limits.clock.monotonic() - start) / 1000);
    try {
      const turn = line.wait(client);
      // An endpoint may have become well since.
      this.#serveLine();
      const wired = await turn;
      waited();
      return wired;
    } catch (thrown) {
      waited();
      const reject = toReject(thrown);
      throw reject.code === "backend_saturated" ? this.#shed(reject, "late") : reject;
    }
  }

  #serveLine(): void {
    const { endpoints, line } = this.#parts;
    while (line.length > 0 && this.#pace.isDue()) {
      const wired = this.#take();
      if (wired === undefined) break;
      this.#pace.went(this.#timeFor(1));
      line.give(wired);
    }
    if (line.length > 0 && !endpoints.hasAny) line.refuseAll(() => this.#down());
  }

  /** One try at one endpoint, whose connection it has since `since`, and which is reported and has a free connection afterwards. What goes wrong is given back, not thrown. */
  async #askAt(
    wired: HttpEndpoint,
    request: BackendRequest,
    since: number,
    deadline: number,
  ): Promise<BackendAnswer | Reject> {
    const { endpoint, pool } = wired;
    const { limits, endpoints } = this.#parts;
    const { method, body: sent, client, streamed: types } = request;
    // A stream has its connection until it is over.
    const streamed = types && { types, onOver: () => this.#release(wired, since) };
    let outcome: Outcome = "other";
    let isStream = false;
    try {
      const path = targetPath(endpoint, request.url);
      const ask = { path, method, headers: withAuthorization(request.headers, endpoint), body: sent };
      const { status, headers, body, stream } = await askOf(pool, ask, {
        timeoutMs: deadline - since,
        client,
        limits,
        streamed,
      });
      outcome = outcomeOfStatus(status);
      isStream = stream !== undefined;
      return { status, headers: flat(headers), body, stream, endpoint: endpoint.name, retries: 0 };
    } catch (thrown) {
      outcome = outcomeOf(thrown);
      return toReject(thrown);
    } finally {
      endpoints.report(wired, outcome);
      if (!isStream) this.#release(wired, since);
    }
  }

  /** After a fault of the first endpoint: others, as far as number, time and the budget of retries allow. The last outcome counts. */
  async #again(
    failed: BackendAnswer | Reject,
    first: HttpEndpoint,
    request: BackendRequest,
    deadline: number,
  ): Promise<BackendAnswer | Reject> {
    const { config, budget, limits, events } = this.#parts;
    const tried = [first];
    let last = failed;
    while (
      tried.length <= config.max_retries &&
      isFault(last) &&
      !request.client.gone &&
      request.once !== true
    ) {
      const now = limits.clock.monotonic();
      if (now >= deadline || budget.isSpent) break;
      const wired = this.#take(tried);
      if (wired === undefined) break;
      budget.retried();
      const answer = await this.#askAt(wired, request, now, deadline);
      events.retried(answer instanceof Reject ? outcomeOf(answer) : outcomeOfStatus(answer.status));
      last = answer instanceof Reject ? answer : { ...answer, retries: tried.length };
      tried.push(wired);
    }
    return last;
  }

  #down(): Reject {
    const { service } = this.#parts;
    return this.#shed(new Reject("backend_down", undefined, { told: { service } }), "down");
  }

  #shed(reject: Reject, reason: "full" | "late" | "down"): Reject {
    this.#parts.events.shed(reason);
    return reject;
  }
}

type Headers = BackendRequest["headers"];
const withAuthorization = (headers: Headers, { authorization }: Endpoint): Headers =>
  authorization === undefined ? headers : { authorization, ...headers };

const outcomeOfStatus = (status: number): Outcome => (status >= 500 ? "server_fault" : "answered");

const isFault = (answer: BackendAnswer | Reject): boolean =>
  answer instanceof Reject ? outcomeOf(answer) === "server_fault" : answer.status >= 500;

function flat(headers: IncomingHttpHeaders): [string, string][] {
  const pairs: [string, string][] = [];
  for (const name in headers) {
    const value = headers[name];
    if (typeof value === "string") pairs.push([name, value]);
    else if (value !== undefined) for (const one of value) pairs.push([name, one]);
  }
  return pairs;
}
