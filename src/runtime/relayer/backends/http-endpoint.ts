import { buildConnector, Pool } from "undici";
import type { Clock } from "../../../base/clock.ts";
import type { BackendConfig } from "../../config/backends.ts";
import type { RelayerConfig, ServiceConfig } from "../../config/relayer.ts";
import { type Endpoint, endpointOf } from "./target.ts";

/** An endpoint with its connections. */
export type HttpEndpoint = {
  readonly endpoint: Endpoint;
  readonly pool: Pool;
  /** Requests that it has now: as many as connections that are in use. */
  busy: number;
};

/** How the endpoints of a service are reached. */
export type Reach = {
  /** To one endpoint. */
  readonly connections: number;
  readonly idleMs: number;
  readonly dialMs: number;
  /** Until the answer's headers; 0: no bound of their own. */
  readonly headersMs: number;
  /** From the request to the last byte of the answer, waiting for a connection included. */
  readonly requestMs: number;
  readonly maxWaiting: number;
  readonly maxWaitMs: number;
};

/** What "no limit" of the Go peer is here: an idle connection is the backend's to close, sooner. */
const IDLE_WITHOUT_LIMIT_MS = 3_600_000;

/** The profiles of a service, put together. */
export function reachOf(service: ServiceConfig, config: RelayerConfig): Reach {
  const timeouts = config.timeout_profiles[service.timeout_profile] ?? config.timeout_profiles.fast;
  const profile = service.pool_profile === undefined ? undefined : config.pool_profiles[service.pool_profile];
  const { max_conns_per_host, idle_conn_timeout_seconds } = profile ?? config.http_transport;
  const limits = config.relay.backend_limits;
  const requestMs = timeouts.request_seconds * 1000;
  return {
    connections: max_conns_per_host === 0 ? config.relay.max_in_flight : max_conns_per_host,
    idleMs: idle_conn_timeout_seconds === 0 ? IDLE_WITHOUT_LIMIT_MS : idle_conn_timeout_seconds * 1000,
    dialMs: timeouts.dial_seconds * 1000,
    headersMs: timeouts.response_header_seconds * 1000,
    requestMs,
    maxWaiting: profile?.max_waiting ?? limits.max_waiting,
    maxWaitMs: Math.min(requestMs, profile?.max_wait ?? limits.max_wait),
  };
}

/** One connection for checks alone: they must not wait for those of relays. */
export const openForChecks = ({ endpoint }: HttpEndpoint, { dialMs }: Reach): Pool =>
  new Pool(endpoint.origin, { connections: 1, connect: { timeout: dialMs }, pipelining: 1 });

type Dialled = (seconds: number, outcome: "connected" | "failed") => void;

/** Opens no connection yet. */
export function openEndpoint(
  { name, url }: BackendConfig["endpoints"][number],
  basePath: string | undefined,
  { connections, idleMs, dialMs, headersMs, requestMs }: Reach,
  { clock, onDial }: { readonly clock: Clock; readonly onDial: Dialled },
): HttpEndpoint {
  const endpoint = endpointOf(name, url, basePath);
  const dial = buildConnector({ timeout: dialMs });
  const pool = new Pool(endpoint.origin, {
    connections,
    keepAliveTimeout: idleMs,
    keepAliveMaxTimeout: Math.max(idleMs, 600_000),
    connect: (options, callback) => {
      const start = clock.monotonic();
      dial(options, (...result) => {
        onDial((clock.monotonic() - start) / 1000, result[0] === null ? "connected" : "failed");
        callback(...result);
      });
    },
    headersTimeout: headersMs,
    bodyTimeout: requestMs,
    pipelining: 1,
  });
  return { endpoint, pool, busy: 0 };
}
