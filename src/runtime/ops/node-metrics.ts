import { readdir } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import { collectDefaultMetrics, Gauge, type Registry } from "prom-client";

const OPEN_FILES = "process_open_fds";
/** With thousands of connections each of these takes a millisecond or more to collect, and tells nothing that the connections' own metrics do not. */
const COSTLY = [
  "nodejs_active_resources",
  "nodejs_active_resources_total",
  "nodejs_active_handles",
  "nodejs_active_handles_total",
  "nodejs_active_requests",
  "nodejs_active_requests_total",
];
/** So many metrics are written in one turn of the event loop: relays do not wait for a whole page. */
const AT_ONCE = 4;

/** What every process tells of itself: CPU, memory, event loop, garbage collection, open files. */
export function nodeMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const name of COSTLY) registry.removeSingleMetric(name);
  countOpenFiles(registry);
}

/** prom-client reads the directory on the event loop's thread. `directory` is Linux's. */
export function countOpenFiles(registry: Registry, directory = "/proc/self/fd"): void {
  if (registry.getSingleMetric(OPEN_FILES) === undefined) return;
  registry.removeSingleMetric(OPEN_FILES);
  new Gauge({
    name: OPEN_FILES,
    help: "Number of open file descriptors.",
    registers: [registry],
    async collect() {
      // One of them reads the directory. Where that fails, as when there are too many, the rest of the page is wanted all the more.
      this.set(
        await readdir(directory).then(
          (files) => files.length - 1,
          () => Number.NaN,
        ),
      );
    },
  });
}

/** The page of a registry, as prom-client writes it. */
export async function metricsPage(registry: Registry): Promise<string> {
  const parts: string[] = [];
  for (const [index, metric] of registry.getMetricsAsArray().entries()) {
    if (index % AT_ONCE === AT_ONCE - 1) await nextTurn();
    parts.push(await registry.getSingleMetricAsString(metric.name));
  }
  return `${parts.join("\n\n")}\n`;
}
