import type { Clock } from "../../../base/clock.ts";
import type { CloseStack } from "../../../base/close-stack.ts";
import type { Logger } from "../../../base/logger.ts";
import { type BackendKind, HTTP_KINDS } from "../../config/backends.ts";
import type { RelayerConfig } from "../../config/relayer.ts";
import type { WebSocketBackend } from "../bridge/ends.ts";
import type { RelayerMetrics } from "../metrics.ts";
import type { ServiceRoutes } from "../steps/admit.ts";
import { streamBounds } from "../streaming/streaming.ts";
import type { EndLimits } from "../transports/websocket-end.ts";
import type { AnswerMemory } from "./answer-limits.ts";
import type { Backend } from "./backend.ts";
import { openGrpcBackend } from "./grpc-backend.ts";
import { reachOf } from "./http-endpoint.ts";
import { openBackendPool } from "./open-pool.ts";
import type { Shelf } from "./shelf.ts";
import { tellChanges } from "./told.ts";
import { openWebSocketBackend } from "./websocket-backend.ts";

type Given = {
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: RelayerMetrics;
  readonly webSocketLimits: EndLimits;
  /** A backend that another state of the configuration has just so is shared with it. */
  readonly backends: Shelf<Backend>;
  readonly webSockets: Shelf<WebSocketBackend>;
  readonly answerMemory: AnswerMemory;
  readonly owned: CloseStack;
};

const BYTES_PER_MB = 1_048_576;

/** What is configured for each service, with a pool for each of its backends. */
export function serviceRoutes(
  config: RelayerConfig,
  { clock, random, logger, metrics, webSocketLimits, backends, webSockets, answerMemory, owned }: Given,
): ReadonlyMap<string, ServiceRoutes> {
  const { max_response_mb, retry_percent } = config.relay.backend_limits;
  const shared = {
    limits: { clock, maxBytes: max_response_mb * BYTES_PER_MB, memory: answerMemory },
    retryPercent: retry_percent,
    share: shareOf(config),
    clock,
    random,
    logger,
    metrics: metrics.backends,
  };
  return new Map(
    Object.entries(config.services).map(([id, service]) => {
      const reach = reachOf(service, config);
      const pools: [BackendKind, Backend][] = HTTP_KINDS.flatMap((kind) => {
        const backend = service.backends[kind];
        if (backend === undefined) return [];
        const given = { ...shared, service: id, kind, backend, reach };
        // All that differs between two of them.
        const made = JSON.stringify([id, kind, backend, reach, shared.share]);
        return [[kind, backends.takeFor(owned, made, (kept) => openBackendPool(given, kept))]];
      });
      const { grpc } = service.backends;
      if (grpc !== undefined) {
        const onChange = tellChanges({ service: id, kind: "grpc", logger, metrics: metrics.backends });
        const options = { service: id, clock, limits: shared.limits, onChange };
        const made = JSON.stringify([id, "grpc", grpc, reach]);
        const open = (kept: CloseStack) => kept.own(openGrpcBackend(grpc, reach, options));
        pools.push(["grpc", backends.takeFor(owned, made, open)]);
      }
      const { websocket } = service.backends;
      const routes: ServiceRoutes = {
        id,
        config: service,
        mode: service.validation_mode ?? config.default_validation_mode,
        maxBodyBytes: service.max_body_size_bytes ?? config.default_max_body_size_bytes,
        streamed: service.streaming.enabled ? new Set(service.streaming.content_types) : undefined,
        streamBounds: streamBounds(service.streaming, config),
        pools: Object.fromEntries(pools),
        webSocket:
          websocket &&
          webSockets.takeFor(owned, JSON.stringify([id, websocket]), (kept) =>
            openWebSocketBackend(id, websocket, {
              ...shared,
              limits: webSocketLimits,
              settings: config.relay.websocket,
              owned: kept,
            }),
          ),
      };
      return [id, routes];
    }),
  );
}

/** Where there are several backends none may have more than half of all relays in work: a slow one leaves room for the others. */
function shareOf({ services, relay }: RelayerConfig): number {
  const backends = Object.values(services).flatMap((service) => Object.values(service.backends));
  const isAlone = backends.filter((backend) => backend !== undefined).length <= 1;
  return isAlone ? relay.max_in_flight : Math.max(1, Math.floor(relay.max_in_flight / 2));
}
