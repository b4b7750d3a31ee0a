import type { Clock } from "../../../base/clock.ts";
import type { CloseStack } from "../../../base/close-stack.ts";
import type { Logger } from "../../../base/logger.ts";
import type { BackendConfig, BackendKind } from "../../config/backends.ts";
import type { AnswerLimits } from "./answer-limits.ts";
import { BackendPool, type PoolEvents } from "./backend-pool.ts";
import { EndpointSet } from "./endpoint-set.ts";
import { keepChecking } from "./health-checks.ts";
import { type HttpEndpoint, openEndpoint, openForChecks, type Reach } from "./http-endpoint.ts";
import type { BackendMetrics } from "./metrics.ts";
import { RetryBudget } from "./retry-budget.ts";
import { tellChanges } from "./told.ts";
import { WaitLine } from "./wait-line.ts";

export type OpenPool = {
  readonly service: string;
  readonly kind: BackendKind;
  readonly backend: BackendConfig;
  readonly reach: Reach;
  readonly limits: AnswerLimits;
  readonly retryPercent: number;
  /** Requests of one backend, in work and waiting. */
  readonly share: number;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: BackendMetrics;
};

/** One backend of a service with connections, line, breaker, budget and checks of its own. */
export function openBackendPool(given: OpenPool, owned: CloseStack): BackendPool {
  const { service, backend, reach, limits, retryPercent, share, clock, metrics } = given;
  const onDial = (seconds: number, outcome: string) =>
    metrics.dial.observe({ service_id: service, rpc_type: given.kind, outcome }, seconds);
  const wired = backend.endpoints.map((endpoint) =>
    openEndpoint(endpoint, backend.base_path, reach, { clock, onDial }),
  );
  const places = Math.min(reach.maxWaiting, Math.floor(share / 2));
  const pool = new BackendPool({
    service,
    config: backend,
    endpoints: new EndpointSet(wired, backend, { service, clock, onChange: tellChanges(given) }),
    line: new WaitLine({ clock, places, patienceMs: reach.maxWaitMs }),
    budget: new RetryBudget(retryPercent, clock),
    limits,
    events: eventsOf(given),
    connections: reach.connections,
    mostRequests: share - places,
    timeoutMs: reach.requestMs,
  });
  owned.own(pool);
  for (const each of wired) watch(given, pool, each, owned);
  return pool;
}

/** Active checks of one endpoint, where they are wanted. */
function watch(given: OpenPool, pool: BackendPool, wired: HttpEndpoint, owned: CloseStack): void {
  const { service, kind, backend, reach, clock, random, metrics } = given;
  const check = backend.health_check;
  if (check?.enabled !== true) return;
  const { endpoint } = wired;
  const labels = { service_id: service, rpc_type: kind, endpoint: endpoint.name };
  const checks = keepChecking({
    check,
    backend,
    endpoint,
    pool: openForChecks(wired, reach),
    clock,
    random,
    onResult: (passed) => (passed ? metrics.checksPassed : metrics.checksFailed).inc(labels),
    onVerdict: (verdict, why) => pool.checked(wired, verdict, why),
  });
  owned.own(checks);
}

function eventsOf({ service, kind, metrics }: OpenPool): PoolEvents {
  const labels = { service_id: service, rpc_type: kind };
  const wait = metrics.wait.labels(labels);
  return {
    waited: (seconds) => wait.observe(seconds),
    shed: (reason) => {
      metrics.shed.inc({ ...labels, reason });
      if (reason === "down") metrics.fastFails.inc({ service_id: service });
    },
    retried: (outcome) => metrics.retries.inc({ ...labels, outcome }),
  };
}
