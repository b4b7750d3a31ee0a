import { expect, test } from "vitest";
// @ts-expect-error: plain JavaScript over dist/
import * as sessionsModule from "../bench/sessions.mjs";

type Plan = {
  readonly suppliers: number;
  readonly applications: number;
  readonly relays: number;
  readonly blockMs: number;
  readonly proofs: number;
};
type Figures = {
  readonly claims_by_block: Readonly<Record<string, number>>;
  readonly proofs_by_block: Readonly<Record<string, number>>;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly reasons: Readonly<Record<string, number>>;
};

const { measureSessions } = sessionsModule as { measureSessions(plan: Plan): Promise<Figures> };

/** `SESSIONS_SUPPLIERS=100 SESSIONS_APPLICATIONS=50` are the five thousand of `npm run bench:sessions`. */
const size = (name: string, fallback: number) => Number(process.env[`SESSIONS_${name}`] ?? fallback);
const total = (counts: Readonly<Record<string, number>>) =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

test("sessions that all close at once are claimed and proven in their windows, and paid", async () => {
  const suppliers = size("SUPPLIERS", 12);
  const applications = size("APPLICATIONS", 10);
  const blockMs = size("BLOCK_MS", 2_000);
  const figures = await measureSessions({ suppliers, applications, relays: 2, blockMs, proofs: 0.5 });
  expect(figures.reasons).toEqual({});
  expect(total(figures.outcomes)).toBe(suppliers * applications);
  expect(total(figures.claims_by_block)).toBe(suppliers * applications);
  expect(total(figures.proofs_by_block)).toBe(figures.outcomes["settled_proven"]);
}, 600_000);
