import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { ServiceRoutes } from "../steps/admit.ts";
import { backendsOf } from "./readiness.ts";

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const OF_ENDPOINT = ["service_id", "rpc_type", "endpoint"];
const OF_BACKEND = ["service_id", "rpc_type"];

/** Metrics of backends and their endpoints; the Go peer's names where it has them (go-peers 2.6). An endpoint's label is its name, never its URL. */
export function backendMetrics(registry: Registry) {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name: `ha_relayer_${name}`, help, labelNames, registers });
  const histogram = (name: string, help: string, labelNames: string[]) =>
    new Histogram({ name: `ha_relayer_${name}`, help, labelNames, buckets: SECONDS, registers });
  return {
    changes: counter("backend_state_changes_total", "Endpoints that changed, by what they became", [
      ...OF_ENDPOINT,
      "to",
    ]),
    checksPassed: counter("health_check_successes_total", "Active checks that passed", OF_ENDPOINT),
    checksFailed: counter("health_check_failures_total", "Active checks that failed", OF_ENDPOINT),
    fastFails: counter("fast_fails_total", "Requests refused because every endpoint is down", ["service_id"]),
    shed: counter("backend_shed_total", "Requests refused for want of a connection, by reason", [
      ...OF_BACKEND,
      "reason",
    ]),
    retries: counter(
      "backend_retries_total",
      "Requests tried again at another endpoint, by what came of it",
      [...OF_BACKEND, "outcome"],
    ),
    wait: histogram("http_pool_wait_seconds", "Time of those that waited for a connection", OF_BACKEND),
    dial: histogram("backend_dial_seconds", "Time to connect, TLS included", [...OF_BACKEND, "outcome"]),
  };
}

export type BackendMetrics = ReturnType<typeof backendMetrics>;

/** Figures that are looked up when they are asked for: of the services that are served then. */
export function observeBackends(registry: Registry, services: () => Iterable<ServiceRoutes>): void {
  type Labels = Record<string, string>;
  const gauge = (
    name: string,
    help: string,
    labelNames: string[],
    each: (set: (labels: Labels, value: number) => void, routes: ServiceRoutes) => void,
  ) =>
    new Gauge({
      name: `ha_relayer_${name}`,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        for (const routes of services()) each((labels, value) => this.set(labels, value), routes);
      },
    });
  const ofBackend = (name: string, help: string, figure: "inFlight" | "capacity" | "waiting" | "open") =>
    gauge(name, help, OF_BACKEND, (set, routes) => {
      for (const [kind, backend] of Object.entries(backendsOf(routes)))
        set({ service_id: routes.id, rpc_type: kind }, backend.load()[figure]);
    });
  gauge("backend_health_status", "1: has its turn; 0: down or ejected", OF_ENDPOINT, (set, routes) => {
    for (const [kind, backend] of Object.entries(backendsOf(routes)))
      for (const { name, phase } of backend.states())
        set({ service_id: routes.id, rpc_type: kind, endpoint: name }, phase === "up" ? 1 : 0);
  });
  ofBackend("http_pool_in_flight", "Requests that a backend has now: connections in use", "inFlight");
  ofBackend("http_pool_max_conns", "Connections that a backend may have", "capacity");
  ofBackend("http_pool_waiting", "Requests that wait for a connection", "waiting");
  ofBackend("http_pool_connections", "Connections that are open", "open");
}
