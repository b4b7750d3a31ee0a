import { Counter, Histogram, Registry } from "prom-client";
import { expect, test } from "vitest";
import { countOpenFiles, metricsPage, nodeMetrics } from "./node-metrics.ts";

const withoutValues = (page: string) => page.replace(/ [-+.\deNa]+$/gm, " x");

test("a page written over several turns is the one that prom-client writes", async () => {
  const registry = new Registry();
  nodeMetrics(registry);
  new Counter({ name: "a_total", help: "a", labelNames: ["of"], registers: [registry] }).inc({ of: "b" }, 3);
  new Histogram({ name: "seconds", help: "s", registers: [registry] }).observe(0.2);
  await registry.metrics();
  const page = await metricsPage(registry);
  expect(withoutValues(page)).toBe(withoutValues(await registry.metrics()));
  expect(page).toContain('a_total{of="b"} 3');
});

test("open files are counted, what takes long with many connections is not there", async () => {
  const registry = new Registry();
  nodeMetrics(registry);
  const page = await metricsPage(registry);
  expect(Number(/^process_open_fds (\d+)$/m.exec(page)?.[1])).toBeGreaterThan(2);
  expect(page).toContain("nodejs_gc_duration_seconds");
  expect(page).not.toContain("nodejs_active");
});

test("a number of open files that cannot be had is unknown, and the page is there", async () => {
  const registry = new Registry();
  nodeMetrics(registry);
  countOpenFiles(registry, "/nowhere");
  const page = await metricsPage(registry);
  expect(page).toMatch(/^process_open_fds Nan$/m);
  expect(page).toContain("process_resident_memory_bytes");
});

test("others have their turn while a page is written", async () => {
  const registry = new Registry();
  nodeMetrics(registry);
  let turns = 0;
  const count = () => {
    turns += 1;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  await metricsPage(registry);
  clearImmediate(next);
  expect(turns).toBeGreaterThan(3);
});
