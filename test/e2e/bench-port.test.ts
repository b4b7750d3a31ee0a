import { expect, test } from "vitest";
// @ts-expect-error: plain JavaScript over dist/
import * as compressionModule from "../bench/compression.mjs";
// @ts-expect-error: plain JavaScript over dist/
import * as h2cModule from "../bench/h2c.mjs";
// @ts-expect-error: plain JavaScript over dist/
import * as hostileModule from "../bench/hostile.mjs";

// The benches of the relay port in short: that they run, and what holds on any machine. They run what `npm run build` made.

const { measureH2c } = h2cModule as {
  measureH2c(how: { seconds: number; streams: number; connections: number; batch: number }): Promise<{
    relays: number;
    statuses: Record<string, number>;
    rssMiB: number[];
  }>;
};
const { measureHostile } = hostileModule as {
  measureHostile(how: {
    kinds: string[];
    connections: number;
    seconds: number;
    runs: number;
    rps: number;
    warmSeconds: number;
  }): Promise<{ rows: { kind: string; factor: number; lost: number; sent: number; closed: number }[] }>;
};
const { measureCompression } = compressionModule as {
  measureCompression(how: { answers: number; bytes: number }): Promise<{ answers: number; lastMiB: number }>;
};

test("many streams of HTTP/2 are all answered with relays", async () => {
  const { relays, statuses, rssMiB } = await measureH2c({
    seconds: 0.1,
    streams: 100,
    connections: 5,
    batch: 400,
  });
  expect(statuses).toEqual({ 200: relays });
  expect(relays).toBe(800);
  expect(Math.max(...rssMiB)).toBeLessThan(1_000);
});

test("beside hostile clients no good relay is lost", async () => {
  const kinds = ["slow bodies", "malformed requests", "rapid resets"];
  const how = { kinds, connections: 50, seconds: 2, runs: 1, rps: 50, warmSeconds: 3 };
  const { rows } = await measureHostile(how);
  expect(rows.map(({ kind, lost }) => [kind, lost])).toEqual(kinds.map((kind) => [kind, 0]));
  for (const { kind, closed } of rows.slice(1)) expect(closed, kind).toBeGreaterThan(0);
  for (const { factor } of rows) expect(factor).toBeGreaterThan(0);
});

test("compressed answers are whole, and leave little behind", async () => {
  const { answers, lastMiB } = await measureCompression({ answers: 1_000, bytes: 8_192 });
  expect(answers).toBe(1_000);
  expect(lastMiB).toBeLessThan(500);
});
