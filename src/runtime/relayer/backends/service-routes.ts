import type { Clock } from "../../../base/clock.ts";
import type { CloseStack } from "../../../base/close-stack.ts";
import { HTTP_KINDS } from "../../config/backends.ts";
import type { RelayerConfig } from "../../config/relayer.ts";
import type { ServiceRoutes } from "../steps/admit.ts";
import { openBackendPool } from "./backend-pool.ts";

/** What is configured for each service, with a pool for each of its backends. */
export function serviceRoutes(
  config: RelayerConfig,
  clock: Clock,
  owned: CloseStack,
): ReadonlyMap<string, ServiceRoutes> {
  return new Map(
    Object.entries(config.services).map(([id, service]) => {
      const pools = HTTP_KINDS.flatMap((kind) => {
        const backend = service.backends[kind];
        return backend === undefined
          ? []
          : [[kind, owned.own(openBackendPool(backend, service, config, clock))] as const];
      });
      const routes: ServiceRoutes = {
        id,
        config: service,
        mode: service.validation_mode ?? config.default_validation_mode,
        maxBodyBytes: service.max_body_size_bytes ?? config.default_max_body_size_bytes,
        pools: Object.fromEntries(pools),
      };
      return [id, routes];
    }),
  );
}
