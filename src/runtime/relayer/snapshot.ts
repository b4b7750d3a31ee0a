import { cacheAges } from "../cache/ages.ts";
import type { ChainData } from "../cache/chain-data.ts";
import type { KeyRing } from "../keys/key-ring.ts";
import { backendsOf } from "./backends/readiness.ts";
import type { Heights } from "./heights.ts";
import type { Recent } from "./recent.ts";
import type { Sessions } from "./sessions.ts";
import type { RelayStore } from "./spool/relay-store.ts";
import type { ServiceRoutes } from "./steps/admit.ts";
import type { RelayWork } from "./work.ts";

type Shown = {
  readonly work: RelayWork;
  readonly store: RelayStore;
  readonly recent: Recent;
  readonly port: number;
  readonly heights: Heights;
  readonly sessions: Sessions;
  readonly keyRing: KeyRing;
  readonly services: ReadonlyMap<string, ServiceRoutes>;
  readonly chain: { readonly data: ChainData };
};

/** What this relayer says of itself in its heartbeat. Read models take it from Redis, never from the process. */
export function snapshot({ work, store, recent, port, heights, sessions, keyRing, services, chain }: Shown) {
  return {
    port,
    height: Number(heights.current),
    heightAgeMs: Math.round(heights.ageMs),
    inFlight: work.inFlight,
    preparedSessions: sessions.size,
    suppliers: [...keyRing.addresses()],
    services: [...services.values()].map((routes) => ({
      id: routes.id,
      mode: routes.mode,
      backends: Object.fromEntries(
        Object.entries(backendsOf(routes)).map(([kind, backend]) => [
          kind,
          backend.states().map(({ name, phase }) => ({ name, state: phase })),
        ]),
      ),
    })),
    rssBytes: process.memoryUsage.rss(),
    ...recent.read(),
    spool: spoolOf(store),
    caches: cacheAges(chain.data.caches),
  };
}

/** What JSON can say of it. */
function spoolOf(store: RelayStore) {
  const { problem, ...figures } = store.figures();
  return { ...figures, ...(problem !== undefined && { problem }) };
}
