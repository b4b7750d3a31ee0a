import type { Clock } from "../../../base/clock.ts";
import type { CloseStack } from "../../../base/close-stack.ts";
import type { Logger } from "../../../base/logger.ts";
import { HTTP_KINDS } from "../../config/backends.ts";
import type { RelayerConfig } from "../../config/relayer.ts";
import type { RelayerMetrics } from "../metrics.ts";
import type { ServiceRoutes } from "../steps/admit.ts";
import { streamBounds } from "../streaming.ts";
import { openBackendPool } from "./backend-pool.ts";
import { tellChanges } from "./told.ts";

type Given = {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: RelayerMetrics;
  readonly owned: CloseStack;
};

/** What is configured for each service, with a pool for each of its backends. */
export function serviceRoutes(
  config: RelayerConfig,
  { clock, logger, metrics, owned }: Given,
): ReadonlyMap<string, ServiceRoutes> {
  return new Map(
    Object.entries(config.services).map(([id, service]) => {
      const pools = HTTP_KINDS.flatMap((kind) => {
        const backend = service.backends[kind];
        if (backend === undefined) return [];
        const onChange = tellChanges({ service: id, kind, logger, metrics });
        const pool = openBackendPool(backend, service, config, { service: id, clock, onChange });
        return [[kind, owned.own(pool)] as const];
      });
      const routes: ServiceRoutes = {
        id,
        config: service,
        mode: service.validation_mode ?? config.default_validation_mode,
        maxBodyBytes: service.max_body_size_bytes ?? config.default_max_body_size_bytes,
        streamed: service.streaming.enabled ? new Set(service.streaming.content_types) : undefined,
        streamBounds: streamBounds(service.streaming, config),
        pools: Object.fromEntries(pools),
      };
      return [id, routes];
    }),
  );
}
