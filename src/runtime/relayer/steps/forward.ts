import type { Clock } from "../../../base/clock.ts";
import { PoktHttpResponse } from "../../../chain/proto/http-envelope.ts";
import { headerMap, valueFromWire, valueToWire } from "../../../chain/protocol/http-headers.ts";
import type { BackendAnswer } from "../backends/backend.ts";
import { backendHeaders } from "../backends/headers.ts";
import type { Exchange } from "../exchange.ts";
import type { RelayerMetrics } from "../metrics.ts";
import { Reject, toReject } from "../rejects.ts";
import type { StreamedAnswer } from "../streaming/streaming.ts";
import type { Routed } from "./admit.ts";
import type { HttpRelay } from "./decode.ts";

export type Forwarded = {
  readonly status: number;
  /** The serialized PoktHttpResponse: the payload that is signed, returned and mined. */
  readonly payload: Uint8Array;
  /** For an answer that comes as a stream: what comes. The payload is then that of an empty one. */
  readonly stream?: StreamedAnswer | undefined;
  /** How often the backend was asked again, elsewhere. */
  readonly retries: number;
};

type Dependencies = { readonly metrics: RelayerMetrics; readonly clock: Clock };

/** Connection headers of the backend's answer; they say nothing to the gateway, whose body comes whole. */
const NOT_WRAPPED = new Set([
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Asks the backend. Its statuses below 500 are paid relays; from 500 on the relay is refused with that status, unsigned and not mined
 * (relay-path 6.2, step 15). Throws Reject.
 */
export async function forward(
  relay: HttpRelay,
  admitted: Routed,
  exchange: Exchange,
  { metrics, clock }: Dependencies,
): Promise<Forwarded> {
  const service = admitted.service.id;
  const start = clock.monotonic();
  const seconds = () => (clock.monotonic() - start) / 1000;
  try {
    const answer = await askBackend(relay, admitted, exchange);
    const outcome = answer.status >= 500 ? "server_error" : "ok";
    metrics.backendRequests.inc({ service_id: service, outcome, status_code: answer.status });
    metrics.backendLatency.observe({ service_id: service, outcome }, seconds());
    return forwardedOf(answer);
  } catch (thrown) {
    const reject = toReject(thrown);
    if (reject.code !== "backend_5xx") {
      metrics.backendRequests.inc({ service_id: service, outcome: reject.code, status_code: "none" });
      metrics.backendLatency.observe({ service_id: service, outcome: reject.code }, seconds());
    }
    throw reject;
  }
}

/** What the backend says to a relay, whatever it is. Throws what the backend throws. */
const askBackend = (relay: HttpRelay, admitted: Routed, exchange: Exchange): Promise<BackendAnswer> =>
  admitted.pool.ask(backendRequest(relay, admitted, exchange));

/** The same, tried once and read whole, for who wants to know how the backend is. */
export const askBackendOnce = (
  relay: HttpRelay,
  admitted: Routed,
  exchange: Exchange,
): Promise<BackendAnswer> =>
  admitted.pool.ask({ ...backendRequest(relay, admitted, exchange), streamed: undefined, once: true });

/** The payload of an answer. Throws Reject backend_5xx. */
export function forwardedOf(answer: BackendAnswer): Forwarded {
  if (answer.status >= 500)
    throw new Reject("backend_5xx", undefined, {
      // Beyond 599 there is nothing that a client could make of it.
      status: answer.status <= 599 ? answer.status : 502,
      fields: { endpoint: answer.endpoint },
    });
  return {
    status: answer.status,
    payload: wrap(answer),
    retries: answer.retries,
    stream: streamOf(answer),
  };
}

function backendRequest(relay: HttpRelay, { pool, service }: Routed, exchange: Exchange) {
  const { inner } = relay;
  const headers: [string, string][] = [];
  for (const [name, { values }] of inner.header)
    for (const value of values) headers.push([name, valueToWire(value)]);
  return {
    method: inner.method === "" ? "GET" : inner.method,
    url: inner.url,
    body: inner.bodyBz,
    client: exchange.client,
    // A call of gRPC has one answer: a stream is read whole for it.
    streamed: exchange.transport === "http" ? service.streamed : undefined,
    headers: backendHeaders(
      {
        inner: headers,
        wrapper: (name) => exchange.header(name),
        wrapperPocket: exchange.pocketHeaders(),
        supplier: relay.supplier,
        service: service.id,
        application: relay.header.applicationAddress,
      },
      pool.config,
    ),
  };
}

/** What a client gets of a streamed answer's head: nothing that belongs to the backend's connection (relay-path 6.4). */
function streamOf({ status, headers, stream: body }: BackendAnswer): StreamedAnswer | undefined {
  return (
    body && {
      status,
      headers: headers.filter(([name]) => !NOT_WRAPPED.has(name) && name !== "content-length"),
      body,
    }
  );
}

function wrap(answer: BackendAnswer): Uint8Array {
  const kept: (readonly [string, string])[] = [];
  for (const header of answer.headers) {
    const [name, value] = header;
    const text = valueFromWire(value);
    if (!NOT_WRAPPED.has(name)) kept.push(text === value ? header : [name, text]);
  }
  return PoktHttpResponse.encode({ statusCode: answer.status, header: headerMap(kept), bodyBz: answer.body });
}
