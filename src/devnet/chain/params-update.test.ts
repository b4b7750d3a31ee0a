import { describe, expect, test } from "vitest";
import { parseGenesis } from "../genesis.ts";
import { type ChainState, fork, liveParams, StateStore } from "../state.ts";
import { computeUnitsAt, sharedParamsAt } from "./at-height.ts";
import { writeGenesis } from "./genesis-state.ts";
import { changeComputeUnits, promoteSharedParams, updateSharedParams } from "./params-update.ts";

function stateAt(height: bigint): ChainState {
  const state = fork(new StateStore("pocket").latest(), { height });
  writeGenesis(state, parseGenesis("services: [{id: s, compute_units_per_relay: 5}]"));
  return state;
}

const at = (state: ChainState, height: bigint): ChainState => fork(state, { height });

describe("shared params", () => {
  test("a new session length in session 76 of ten blocks begins session 77 of twelve (chain 10)", () => {
    const state = stateAt(757n);
    const genesis = liveParams(state, "shared");
    updateSharedParams(state, { ...genesis, numBlocksPerSession: 12n });
    expect(sharedParamsAt(state, 760n)).toEqual({
      ...genesis,
      sessionGridAnchorHeight: 1n,
      sessionNumberAtAnchor: 1n,
    });
    expect(sharedParamsAt(state, 761n)).toEqual({
      ...genesis,
      numBlocksPerSession: 12n,
      sessionGridAnchorHeight: 761n,
      sessionNumberAtAnchor: 77n,
    });
    expect(liveParams(state, "shared")).toEqual(genesis);
    const before = at(state, 760n);
    promoteSharedParams(before);
    expect(liveParams(before, "shared")).toEqual(genesis);
    const then = at(state, 761n);
    promoteSharedParams(then);
    expect(liveParams(then, "shared")).toEqual(sharedParamsAt(state, 761n));
  });

  test("what is not about timing is live at once, with the live anchor", () => {
    const state = stateAt(757n);
    const genesis = liveParams(state, "shared");
    updateSharedParams(state, { ...genesis, computeUnitsToTokensMultiplier: 3n });
    expect(liveParams(state, "shared")).toEqual({ ...genesis, computeUnitsToTokensMultiplier: 3n });
    expect(sharedParamsAt(state, 757n).computeUnitsToTokensMultiplier).toBe(42_000_000n);
    expect(sharedParamsAt(state, 761n)).toMatchObject({
      computeUnitsToTokensMultiplier: 3n,
      sessionGridAnchorHeight: 1n,
    });
  });

  test("the second of two updates in a session takes the slot of the first", () => {
    const state = stateAt(757n);
    const genesis = liveParams(state, "shared");
    updateSharedParams(state, { ...genesis, numBlocksPerSession: 12n });
    updateSharedParams(state, { ...genesis, computeUnitsToTokensMultiplier: 3n });
    expect(state.sharedHistory.keys()).toHaveLength(2);
    expect(sharedParamsAt(state, 761n)).toMatchObject({
      numBlocksPerSession: 10n,
      sessionGridAnchorHeight: 1n,
    });
  });

  test("windows longer than the unbonding of suppliers are refused", () => {
    const state = stateAt(5n);
    const params = { ...liveParams(state, "shared"), proofWindowCloseOffsetBlocks: 5n + 4n };
    expect(() => updateSharedParams(state, params)).toThrow(
      expect.objectContaining({ grpcClass: "InvalidArgument" }),
    );
  });
});

test("a new price of relays is live at once and counts by height from the next session on", () => {
  const state = stateAt(13n);
  expect(computeUnitsAt(state, "s", 99n)).toBe(5n);
  expect(changeComputeUnits(state, "s", 8n)).toBe(true);
  expect([20n, 21n].map((height) => computeUnitsAt(state, "s", height))).toEqual([5n, 8n]);
  expect(state.services.get("s")?.computeUnitsPerRelay).toBe(8n);
  expect(changeComputeUnits(state, "t", 8n)).toBe(false);
  expect(computeUnitsAt(state, "t", 1n)).toBeUndefined();
});
