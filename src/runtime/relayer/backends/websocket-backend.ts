import type { ClientRequest, IncomingMessage } from "node:http";
import { Pool } from "undici";
import { WebSocket } from "ws";
import type { Clock } from "../../../base/clock.ts";
import type { CloseStack } from "../../../base/close-stack.ts";
import { toError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import type { BackendConfig } from "../../config/backends.ts";
import type { WebSocketSettings } from "../../config/websocket.ts";
import type { Dialling, End, WebSocketBackend } from "../bridge/ends.ts";
import { Reject } from "../rejects.ts";
import { type EndLimits, mostFragments, WebSocketEnd } from "../transports/websocket-end.ts";
import type { Outcome } from "./circuit.ts";
import { EndpointSet } from "./endpoint-set.ts";
import { keepChecking } from "./health-checks.ts";
import type { BackendMetrics } from "./metrics.ts";
import { type Endpoint, endpointOf } from "./target.ts";
import { tellChanges } from "./told.ts";

type Wired = { readonly endpoint: Endpoint };

type Given = {
  readonly limits: EndLimits;
  readonly settings: WebSocketSettings;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: BackendMetrics;
  readonly owned: CloseStack;
};

/** The WebSocket endpoints of one service. Their connections belong to the bridges. */
export function openWebSocketBackend(service: string, config: BackendConfig, given: Given): WebSocketBackend {
  const { clock, settings } = given;
  const wired = config.endpoints.map(({ name, url }) => ({
    endpoint: endpointOf(name, url, config.base_path),
  }));
  const onChange = tellChanges({ ...given, service, kind: "websocket" });
  const endpoints = new EndpointSet<Wired>(wired, config, { service, clock, onChange });
  for (const each of wired) watch(service, config, { each, endpoints, given });
  const open = { connections: 0, dials: 0 };
  const dialOne = async (chosen: Wired, dialling: Dialling) => {
    let outcome: Outcome = "server_fault";
    open.dials += 1;
    try {
      const end = await dial(chosen.endpoint, dialling, { settings, limits: given.limits, open });
      outcome = "answered";
      return end;
    } catch (thrown) {
      if (dialling.client.gone) outcome = "other";
      throw thrown;
    } finally {
      open.dials -= 1;
      endpoints.report(chosen, outcome);
    }
  };
  return {
    config,
    states: () => endpoints.states(),
    load: () => ({
      inFlight: open.connections,
      capacity: settings.max_connections,
      waiting: open.dials,
      open: open.connections,
    }),
    dial: async (dialling) => {
      const first = endpoints.choose();
      try {
        return await dialOne(first, dialling);
      } catch (thrown) {
        const second = dialling.client.gone ? undefined : endpoints.next([first]);
        if (second === undefined) throw thrown;
        return dialOne(second, dialling);
      }
    },
  };
}

type Watched = { readonly each: Wired; readonly endpoints: EndpointSet<Wired>; readonly given: Given };

/** Active checks ask the endpoint's server over HTTP, as the Go peer's settings for them say (go-peers 2.2). */
function watch(service: string, backend: BackendConfig, { each, endpoints, given }: Watched): void {
  const check = backend.health_check;
  if (check?.enabled !== true) return;
  const { clock, random, metrics, owned } = given;
  const { endpoint } = each;
  const labels = { service_id: service, rpc_type: "websocket", endpoint: endpoint.name };
  const checks = keepChecking({
    check,
    backend,
    endpoint,
    pool: new Pool(endpoint.origin.replace(/^ws/, "http"), { connections: 1, pipelining: 1 }),
    clock,
    random,
    onResult: (passed) => (passed ? metrics.checksPassed : metrics.checksFailed).inc(labels),
    onVerdict: (verdict, why) => endpoints.checked(each, verdict, why),
  });
  owned.own(checks);
}

type Reached = {
  readonly settings: WebSocketSettings;
  readonly limits: EndLimits;
  /** Counts the connection for as long as it is open. */
  readonly open: { connections: number };
};

/** Throws Reject backend_error with status 502, client_gone. */
function dial(
  { name, origin, basePath, query, authorization }: Endpoint,
  { headers, client }: Dialling,
  { settings, limits, open }: Reached,
): Promise<End> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${origin}${basePath}${query === "" ? "" : `?${query}`}`, {
      // A header that is given twice goes out twice: node:http takes lists, ws hands them on.
      headers: { ...(authorization !== undefined && { authorization }), ...headers } as Record<
        string,
        string
      >,
      handshakeTimeout: settings.dial_timeout,
      maxPayload: settings.max_message_bytes,
      maxFragments: mostFragments(settings),
      perMessageDeflate: false,
      skipUTF8Validation: true,
      followRedirects: false,
    });
    const refuse = (refused: Reject) => {
      client.whenGone(undefined);
      reject(refused);
    };
    const failed = (error: Error) =>
      refuse(new Reject("backend_error", undefined, { cause: error, fields: { endpoint: name } }));
    socket.on("error", failed);
    socket.once("unexpected-response", (request: ClientRequest, response: IncomingMessage) => {
      failed(toError(`the backend answered the handshake with status ${response.statusCode}`));
      request.destroy();
    });
    socket.once("upgrade", ({ socket: raw }) =>
      socket.once("open", () => {
        client.whenGone(undefined);
        socket.off("error", failed);
        open.connections += 1;
        socket.once("close", () => {
          open.connections -= 1;
        });
        resolve(new WebSocketEnd(socket, raw, limits));
      }),
    );
    client.whenGone(() => {
      socket.terminate();
      refuse(new Reject("client_gone"));
    });
  });
}
