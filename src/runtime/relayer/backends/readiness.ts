import type { ServiceRoutes } from "../steps/admit.ts";

/** Every backend of a service that has endpoints to look at, by its key in the configuration. */
export const backendsOf = ({ pools, webSocket }: ServiceRoutes) => ({
  ...pools,
  ...(webSocket && { websocket: webSocket }),
});

export type Readiness = ReturnType<typeof readinessOf>;

/** What `/ready/<service>` answers, in the Go peer's shape (go-peers 2.5), with each transport's part beside it. */
export function readinessOf(routes: ServiceRoutes, blockHeight: bigint) {
  const transports = Object.entries(backendsOf(routes)).map(([kind, backend]) => {
    const endpoints = backend
      .states()
      .map(({ name, origin, phase }) => ({ name, url: origin, healthy: isHealthy(phase), state: phase }));
    const { inFlight, capacity, waiting } = backend.load();
    const load = { in_flight: inFlight, max_in_flight: capacity, waiting };
    return [kind, { ready: endpoints.some(isUsable), ...load, endpoints }] as const;
  });
  const endpoints = transports.flatMap(([, { endpoints: these }]) => these);
  const total = (figure: "in_flight" | "max_in_flight") =>
    transports.reduce((sum, [, transport]) => sum + transport[figure], 0);
  return {
    service_id: routes.id,
    ready: transports.some(([, { ready }]) => ready),
    block_height: Number(blockHeight),
    pool: {
      profile: routes.config.pool_profile ?? "",
      max_conns_per_host: total("max_in_flight"),
      // Each may wait for its next request.
      max_idle_conns_per_host: total("max_in_flight"),
      in_flight: total("in_flight"),
      saturation_pct: Math.round((100 * total("in_flight")) / Math.max(1, total("max_in_flight"))),
    },
    backends: {
      total: endpoints.length,
      healthy: endpoints.filter(({ healthy }) => healthy).length,
      endpoints,
    },
    transports: Object.fromEntries(transports),
  };
}

const isHealthy = (phase: string): boolean => phase === "up";
/** The breaker alone never leaves a service without: what it holds out is used when there is nothing else. */
const isUsable = ({ state }: { readonly state: string }): boolean => state !== "down";
