import type { ServiceRoutes } from "../steps/admit.ts";

/** What `/ready/<service>` answers, in the Go peer's shape (go-peers 2.5), with each transport's part beside it. */
export function readinessOf({ id, pools }: ServiceRoutes, blockHeight: bigint) {
  const transports = Object.entries(pools).map(([kind, backend]) => {
    const endpoints = backend
      .states()
      .map(({ name, origin, phase }) => ({ name, url: origin, healthy: isHealthy(phase), state: phase }));
    return [kind, { ready: endpoints.some(isUsable), endpoints }] as const;
  });
  const endpoints = transports.flatMap(([, { endpoints: these }]) => these);
  return {
    service_id: id,
    ready: transports.some(([, { ready }]) => ready),
    block_height: Number(blockHeight),
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
