import { expect, test } from "vitest";
import type { Logger } from "../../base/logger.ts";
import type { SessionRecord } from "../redis/session-record.ts";
import { nearestFirst } from "./due.ts";
import { minerMetrics } from "./metrics.ts";
import type { DueSession } from "./send.ts";

const closing = (sessionId: string, claimClose: bigint): DueSession => ({
  record: { sessionId } as SessionRecord,
  windows: {
    ...{ graceEnd: 0n, claimOpen: 1n, claimClose, proofOpen: claimClose, proofClose: claimClose + 4n },
    settle: claimClose + 5n,
  },
});

function setUp() {
  const warnings: { fields: object; message: string }[] = [];
  const logger: Logger = {
    debug: () => undefined,
    info: () => undefined,
    error: () => undefined,
    warn: (fields, message) => warnings.push({ fields, message }),
  };
  const metrics = minerMetrics();
  const value = async (name: string) => (await metrics.registry.getSingleMetric(name)?.get())?.values ?? [];
  return { warnings, value, telling: { phase: "claim" as const, supplier: "s", metrics, logger } };
}

const ids = (due: readonly DueSession[]) => due.map(({ record }) => record.sessionId);
const DUE = "ha_miner_sessions_due";
const LEFT = "ha_miner_sessions_due_blocks_left";

test("whose window closes first goes first, and sessions of one window keep their order", () => {
  const { telling } = setUp();
  const due = [closing("a", 30n), closing("b", 20n), closing("c", 30n), closing("d", 25n)];
  expect(ids(nearestFirst(due, { ...telling, height: 10n }))).toEqual(["b", "d", "a", "c"]);
  expect(ids(due)).toEqual(["a", "b", "c", "d"]);
});

test("how many are due and how long there is is shown, and forgotten when nothing is", async () => {
  const { telling, value, warnings } = setUp();
  nearestFirst([closing("a", 30n), closing("b", 20n)], { ...telling, height: 17n });
  const labels = { supplier: "s", phase: "claim" };
  expect(await value(DUE)).toEqual([{ labels, value: 2 }]);
  expect(await value(LEFT)).toEqual([{ labels, value: 3 }]);
  expect(warnings).toEqual([]);
  nearestFirst([], { ...telling, height: 18n });
  expect(await value(DUE)).toEqual([{ labels, value: 0 }]);
  expect(await value(LEFT)).toEqual([]);
});

test("a window that is about to close is told, by the phase's own window", () => {
  const { telling, warnings } = setUp();
  nearestFirst([closing("a", 20n)], { ...telling, height: 18n });
  nearestFirst([closing("a", 20n)], { ...telling, phase: "proof", height: 20n });
  nearestFirst([closing("a", 20n)], { ...telling, phase: "proof", height: 22n });
  expect(warnings.map(({ fields }) => fields)).toEqual([
    { supplier: "s", phase: "claim", sessions: 1, blocksLeft: 2 },
    { supplier: "s", phase: "proof", sessions: 1, blocksLeft: 2 },
  ]);
});
