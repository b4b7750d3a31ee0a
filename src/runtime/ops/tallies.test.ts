import { AggregatorRegistry, Counter, Histogram, Registry } from "prom-client";
import { expect, test } from "vitest";
import { TallyCounter, TallyHistogram } from "./tallies.ts";

const BUCKETS = [0.001, 0.01, 1];
const labelNames = ["service_id", "outcome"] as const;

/** The same events through prom-client's metrics and through these. */
function both() {
  const [theirs, ours] = [new Registry(), new Registry()];
  const named = { name: "seen_total", help: "Seen", labelNames: [...labelNames] };
  const plain = { name: "all_total", help: "All", labelNames: [] };
  const lasting = { name: "took_seconds", help: "Took", labelNames: [...labelNames], buckets: BUCKETS };
  const metrics = [
    {
      counter: new Counter({ ...named, registers: [theirs] }),
      all: new Counter({ ...plain, registers: [theirs] }),
      histogram: new Histogram({ ...lasting, registers: [theirs] }),
    },
    {
      counter: new TallyCounter({ ...named, registers: [ours] }),
      all: new TallyCounter({ ...plain, registers: [ours] }),
      histogram: new TallyHistogram({ ...lasting, registers: [ours] }),
    },
  ];
  const tell = (service_id: string, outcome: string | number, seconds: number) => {
    for (const { counter, all, histogram } of metrics) {
      counter.inc({ service_id, outcome });
      counter.inc({ outcome, service_id }, 2);
      all.inc({});
      all.inc({}, 3);
      histogram.observe({ service_id, outcome }, seconds);
    }
  };
  return { theirs, ours, tell };
}

test("what is shown is what prom-client would show, at each look", async () => {
  const { theirs, ours, tell } = both();
  tell("a", "ok", 0.0005);
  tell("a", "ok", 0.001);
  tell("a", "late", 0.5);
  expect(await ours.metrics()).toBe(await theirs.metrics());
  tell("b", 200, 7);
  tell("a", "ok", 0.011);
  expect(await ours.metrics()).toBe(await theirs.metrics());
  expect(await ours.metrics()).toContain('took_seconds_bucket{le="1",service_id="a",outcome="ok"} 3');
});

test("a counter only grows", () => {
  const { ours } = { ours: new TallyCounter({ name: "a_total", help: "A", labelNames: [], registers: [] }) };
  expect(() => ours.inc({}, -1)).toThrow("a_total only grows, not by -1");
  expect(() => ours.inc({}, Number.NaN)).toThrow("a_total only grows, not by NaN");
});

test("processes are added up as prom-client's metrics are", async () => {
  const [one, two] = [both(), both()];
  one.tell("a", "ok", 0.5);
  two.tell("a", "ok", 0.002);
  two.tell("b", "ok", 9);
  const added = async (which: "ours" | "theirs") =>
    AggregatorRegistry.aggregate([
      await one[which].getMetricsAsJSON(),
      await two[which].getMetricsAsJSON(),
    ]).metrics();
  expect(await added("ours")).toBe(await added("theirs"));
});
