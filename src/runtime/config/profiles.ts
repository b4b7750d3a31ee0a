import { z } from "zod";
import { duration, natural, positive, unused } from "./fields.ts";

/** Timeouts, connections and bounds of backends: the Go peer's profiles (go-peers 1.9, B7 and B8; 2.2), then ours. */

const MOST_WAITING = 65_536;

const timeoutProfile = (request: number, header: number, dial: number) =>
  z
    .strictObject({
      request_seconds: positive().default(request),
      response_header_seconds: natural().default(header),
      dial_seconds: positive().default(dial),
      tls_handshake_seconds: unused(natural(), "dial_seconds covers the TLS handshake"),
    })
    .prefault({});

export const timeoutProfiles = () =>
  z
    .object({ fast: timeoutProfile(30, 30, 5), streaming: timeoutProfile(600, 0, 10) })
    .catchall(timeoutProfile(30, 30, 5))
    .prefault({});

/** As in Go, 0 connections are no bound of its own, and 0 seconds keep an idle connection for as long as the backend does. */
const poolProfile = () =>
  z.strictObject({
    max_conns_per_host: natural().default(100),
    max_idle_conns_per_host: unused(natural(), "idle connections are kept up to max_conns_per_host"),
    idle_conn_timeout_seconds: natural().default(90),
    max_waiting: natural().max(MOST_WAITING).optional(),
    max_wait: duration().optional(),
  });

type PoolProfile = z.output<ReturnType<typeof poolProfile>>;

/** Known without being configured (go-peers 1.9, B8); a file may give them other values. */
const BUILT_IN: Readonly<Record<string, PoolProfile>> = {
  low: { max_conns_per_host: 10, idle_conn_timeout_seconds: 90 },
  medium: { max_conns_per_host: 100, idle_conn_timeout_seconds: 90 },
  high: { max_conns_per_host: 250, idle_conn_timeout_seconds: 90 },
};

export const poolProfiles = () =>
  z
    .record(z.string(), poolProfile())
    .default({})
    .transform((given): Readonly<Record<string, PoolProfile>> => ({ ...BUILT_IN, ...given }));

const POOL = "set by the HTTP client";
export const PROFILE_DECIDES = "every service has a timeout profile, and that decides";

export const httpTransport = () =>
  z
    .strictObject({
      max_conns_per_host: natural().default(500),
      idle_conn_timeout_seconds: natural().default(90),
      dial_timeout_seconds: unused(natural(), PROFILE_DECIDES),
      response_header_timeout_seconds: unused(natural(), PROFILE_DECIDES),
      max_idle_conns: unused(natural(), POOL),
      max_idle_conns_per_host: unused(natural(), POOL),
      tls_handshake_timeout_seconds: unused(natural(), "dial_timeout_seconds covers the TLS handshake"),
      expect_continue_timeout_seconds: unused(natural(), POOL),
      tcp_keep_alive_seconds: unused(natural(), POOL),
      disable_compression: unused(z.boolean(), "backends are always asked for identity"),
    })
    .prefault({});

/** What one backend may use up of this process. */
export const backendLimits = () =>
  z
    .strictObject({
      /** Requests of one backend that may wait for a connection. */
      max_waiting: natural().max(MOST_WAITING).default(256),
      /** How long one may. */
      max_wait: duration().prefault("1s"),
      /** Retries, as a part of a backend's requests of the last seconds; a few are free. */
      retry_percent: z.number().int().min(0).max(100).default(20),
      /** One answer, as it comes and inflated. */
      max_response_mb: z.number().int().min(1).max(1_024).default(100),
      /** All answers that are being read, together. */
      max_buffered_mb: z.number().int().min(1).max(65_536).default(512),
    })
    .prefault({});
