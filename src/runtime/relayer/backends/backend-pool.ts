import type { IncomingHttpHeaders } from "node:http";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { Pool } from "undici";
import type { Clock } from "../../../base/clock.ts";
import type { BackendConfig } from "../../config/backends.ts";
import type { RelayerConfig, ServiceConfig } from "../../config/relayer.ts";
import { Reject } from "../rejects.ts";
import { askOf, outcomeOf } from "./asking.ts";
import type { Backend, BackendAnswer, BackendRequest } from "./backend.ts";
import type { Outcome } from "./circuit.ts";
import { EndpointSet, type EndpointSetOptions, type EndpointState } from "./endpoint-set.ts";
import { type Endpoint, endpointOf, targetPath } from "./target.ts";

/** PATH reads no more of an answer; a larger one would be cut and useless (relay-path 6.1). */
const MAX_ANSWER_BYTES = 100 * 1024 * 1024;
const METHOD = /^[A-Z]{1,16}$/;
/** CONNECT asks for a tunnel, TRACE for our own headers back. */
const REFUSED_METHODS = new Set(["CONNECT", "TRACE"]);
/** Requests that may wait for a connection, as a multiple of the connections, and at least so many. */
const LEAST_WAITING = 100;

const inflate = promisify(gunzip);

type Wired = { readonly endpoint: Endpoint; readonly pool: Pool };

type Limits = {
  readonly clock: Clock;
  /** From the request to the last byte of the answer, waiting for a connection included. */
  readonly timeoutMs: number;
  /** Requests in work and waiting; one slow service must not use up what the others need. */
  readonly requests: number;
};

/** The endpoints of one service and rpc type, and how one of them is chosen. */
export class BackendPool implements Backend {
  readonly config: BackendConfig;
  readonly #endpoints: EndpointSet<Wired>;
  readonly #limits: Limits;
  #inWork = 0;

  constructor(config: BackendConfig, endpoints: EndpointSet<Wired>, limits: Limits) {
    this.config = config;
    this.#endpoints = endpoints;
    this.#limits = limits;
  }

  states(): readonly EndpointState[] {
    return this.#endpoints.states();
  }

  /** A gzip answer comes inflated. Redirects are answers, not followed. */
  async ask(request: BackendRequest): Promise<BackendAnswer> {
    if (!METHOD.test(request.method) || REFUSED_METHODS.has(request.method))
      throw new Reject("bad_request", "the inner request's method is not allowed");
    if (request.client.gone) throw new Reject("client_gone");
    if (this.#inWork >= this.#limits.requests)
      throw new Reject("overloaded", "the service's backend has too many in work");
    const wired = this.#endpoints.choose();
    this.#inWork += 1;
    let answer: BackendAnswer | undefined;
    try {
      answer = await this.#askAt(wired, request);
      return isGzip(answer) ? await inflated(answer) : answer;
    } finally {
      // A stream is in work until it is over.
      if (answer?.stream === undefined) this.#inWork -= 1;
    }
  }

  /** One try at one endpoint, which is reported. */
  async #askAt(wired: Wired, request: BackendRequest): Promise<BackendAnswer> {
    const { endpoint, pool } = wired;
    const { clock, timeoutMs } = this.#limits;
    let outcome: Outcome = "other";
    try {
      const path = targetPath(endpoint, request.url);
      const ask = { path, method: request.method, headers: request.headers, body: request.body };
      const { client, streamed: types } = request;
      const streamed = types && { types, onOver: () => this.#streamIsOver() };
      const { status, headers, body, stream } = await askOf(pool, ask, {
        clock,
        timeoutMs,
        client,
        streamed,
      });
      outcome = status >= 500 ? "server_fault" : "answered";
      return { status, headers: flat(headers), body, stream, endpoint: endpoint.name };
    } catch (thrown) {
      outcome = outcomeOf(thrown);
      throw thrown;
    } finally {
      this.#endpoints.report(wired, outcome);
    }
  }

  #streamIsOver(): void {
    this.#inWork -= 1;
  }

  async close(): Promise<void> {
    await Promise.all(this.#endpoints.all.map(({ pool }) => pool.destroy()));
  }
}

/** One pool for a backend of a service, with the service's timeouts. */
export function openBackendPool(
  backend: BackendConfig,
  service: ServiceConfig,
  config: RelayerConfig,
  options: EndpointSetOptions,
): BackendPool {
  const timeouts = config.timeout_profiles[service.timeout_profile] ?? config.timeout_profiles.fast;
  const profile = service.pool_profile === undefined ? undefined : config.pool_profiles[service.pool_profile];
  const transport = config.http_transport;
  const requestMs = timeouts.request_seconds * 1000;
  const connections = profile?.max_conns_per_host ?? transport.max_conns_per_host;
  const wired = backend.endpoints.map(({ name, url }) => {
    const endpoint = endpointOf(name, url, backend.base_path);
    const pool = new Pool(endpoint.origin, {
      connections,
      keepAliveTimeout: (profile?.idle_conn_timeout_seconds ?? transport.idle_conn_timeout_seconds) * 1000,
      connect: { timeout: timeouts.dial_seconds * 1000 },
      headersTimeout: timeouts.response_header_seconds * 1000,
      bodyTimeout: requestMs,
      maxResponseSize: MAX_ANSWER_BYTES,
      pipelining: 1,
    });
    return { endpoint, pool };
  });
  const requests = connections * wired.length + Math.max(LEAST_WAITING, connections);
  const endpoints = new EndpointSet(wired, backend, options);
  return new BackendPool(backend, endpoints, { clock: options.clock, timeoutMs: requestMs, requests });
}

function flat(headers: IncomingHttpHeaders): [string, string][] {
  const pairs: [string, string][] = [];
  for (const name in headers) {
    const value = headers[name];
    if (typeof value === "string") pairs.push([name, value]);
    else if (value !== undefined) for (const one of value) pairs.push([name, one]);
  }
  return pairs;
}

const isGzip = ({ body, headers }: BackendAnswer): boolean =>
  body.length > 0 &&
  ((body[0] === 0x1f && body[1] === 0x8b) ||
    headers.some(([name, value]) => name === "content-encoding" && value.toLowerCase() === "gzip"));

/** A gzip body is opened and its Content-Encoding removed; one that does not open goes on as it came (relay-path 6.3). */
async function inflated(answer: BackendAnswer): Promise<BackendAnswer> {
  try {
    const opened = await inflate(answer.body, { maxOutputLength: MAX_ANSWER_BYTES });
    return {
      ...answer,
      body: new Uint8Array(opened),
      headers: answer.headers.filter(([name]) => name !== "content-encoding" && name !== "content-length"),
    };
  } catch {
    return answer;
  }
}
