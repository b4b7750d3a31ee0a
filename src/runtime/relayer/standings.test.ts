import { expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import type { SupplierRecord, SupplierRecords } from "../redis/supplier-records.ts";
import { Standings } from "./standings.ts";

const record = (parts: Partial<SupplierRecord>): SupplierRecord => ({
  status: "active",
  staked: true,
  services: ["eth"],
  stakedEndpoints: [],
  unstakeSessionEndHeight: 0n,
  operatorAddress: "s",
  ownerAddress: "s",
  lastUpdated: 0n,
  lastRefreshSessionStart: 0n,
  updatedBy: "",
  ...parts,
});

/** Records whose reads end when the test says so. */
async function setUp(first: SupplierRecord | undefined) {
  const state = { record: first as SupplierRecord | undefined | Error, reads: 0, update: () => {} };
  const records = {
    read: async () => {
      state.reads += 1;
      await systemClock.sleep(2);
      if (state.record instanceof Error) throw state.record;
      return state.record;
    },
    onUpdate: async (handler: () => void) => {
      state.update = handler;
      return () => {};
    },
  } as unknown as SupplierRecords;
  const none = () => {};
  const standings = new Standings({
    records,
    factors: { get: async () => undefined, set: async () => undefined },
    clock: systemClock,
    logger: { debug: none, info: none, warn: none, error: none },
  });
  await standings.start({ suppliers: ["s"], services: [] });
  return { standings, state };
}

test.each<[string, SupplierRecord | undefined, string]>([
  ["no record", undefined, "unknown"],
  ["an active one", record({}), "serving"],
  ["an unstaking one", record({ status: "unstaking", unstakeSessionEndHeight: 9n }), "serving"],
  ["one that is not staked", record({ staked: false, status: "not_staked" }), "inactive"],
  ["one without services", record({ status: "unstaking", services: [] }), "inactive"],
  ["a status from the future", record({ status: "jailed" }), "inactive"],
])("%s", async (_, given, kind) => {
  const { standings } = await setUp(given);
  expect(standings.standing("s").kind).toBe(kind);
  await standings.close();
});

test("ten thousand updates at once are a few readings, and the last word counts", async () => {
  const { standings, state } = await setUp(record({}));
  const before = state.reads;
  for (let update = 0; update < 10_000; update++) state.update();
  state.record = record({ staked: false });
  state.update();
  await expect.poll(() => standings.standing("s").kind, { timeout: 4_000 }).toBe("inactive");
  await systemClock.sleep(50);
  expect(state.reads - before).toBeLessThanOrEqual(3);
  await standings.close();
});

test("while Redis does not answer, what was read last goes on", async () => {
  const { standings, state } = await setUp(record({}));
  state.record = new Error("away");
  state.update();
  await systemClock.sleep(20);
  expect(standings.standing("s").kind).toBe("serving");
  await standings.close();
});
