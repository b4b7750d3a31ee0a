import { expect, test } from "vitest";
import {
  addService,
  MODULE_PARAMS,
  recorder,
  SHARED_PARAMS,
  stateAt,
} from "../../../test/kit/money-state.ts";
import { Vectors } from "../../../test/kit/vectors.ts";
import { bigToBytes, concatBytes, toHex } from "../../base/bytes.ts";
import { BASE_TARGET } from "../../chain/protocol/difficulty.ts";
import { difficultyAt } from "../chain/at-height.ts";
import { type ForkedState, fork, StateStore } from "../state.ts";
import { updateDifficulties } from "./difficulty-update.ts";
import type { RipeClaim } from "./ripe-claims.ts";

const SERVICE = "develop-http";

const settledLeaves = (count: bigint, serviceId = SERVICE): RipeClaim => {
  const header = {
    applicationAddress: "a",
    serviceId,
    sessionId: "s",
    sessionStartBlockHeight: 1n,
    sessionEndBlockHeight: 10n,
  };
  const rootHash = concatBytes(new Uint8Array(40), bigToBytes(count, 8));
  const claim = { supplierOperatorAddress: "b", sessionHeader: header, rootHash, proofValidationStatus: 1 };
  return { claim, header };
};

/** Settles these numbers of leaves in the block of that height; returns a later state. */
function settleAt(before: ForkedState, height: bigint, ...counts: readonly bigint[]) {
  const state = fork(before, { height });
  const { ctx, events } = recorder(state);
  updateDifficulties(
    state,
    ctx,
    counts.map((count) => settledLeaves(count)),
  );
  return { state, events };
}

const history = (state: ForkedState) =>
  state.difficultyHistory
    .values(`${SERVICE}/`)
    .map(({ effectiveHeight, difficulty }) => [
      effectiveHeight,
      difficulty?.numRelaysEma,
      toHex(difficulty?.targetHash ?? new Uint8Array()),
    ]);

test("the example of chain 9: 70 leaves, then 3 910", () => {
  const genesis = stateAt(new StateStore("pocket"), 1n);
  addService(genesis, SERVICE);
  const first = settleAt(genesis, 430n, 5n, 5n, 60n).state;
  // the session that began at 421 keeps the easiest target
  expect(difficultyAt(first, SERVICE, 421n).targetHash).toEqual(BASE_TARGET);
  const target70 = "4924924924924924924924924924924924924924924924924924924924924924";
  expect(toHex(difficultyAt(first, SERVICE, 430n).targetHash)).toBe(target70);
  expect(history(first)).toEqual([
    [430n, 70n, target70],
    [431n, 70n, target70],
  ]);
  const second = settleAt(first, 769n, 3910n).state;
  expect(history(second).at(-1)).toEqual([
    771n,
    454n,
    "0b470c67c0d8875494dd0a2657f6fa5c79cc1f93bc55b5917aecd40482d1c319",
  ]);
  expect(second.difficulties.get(SERVICE)?.blockHeight).toBe(771n);
});

test("the first recorded chain's history", () => {
  const genesis = stateAt(new StateStore("pocket"), 1n, {
    shared: SHARED_PARAMS,
    service: { ...MODULE_PARAMS.service, targetNumRelays: 100_000n },
  });
  addService(genesis, SERVICE);
  const first = settleAt(genesis, 88n, 1n).state;
  const second = settleAt(first, 98n, 1500n);
  const base = "ff".repeat(32);
  expect(history(second.state)).toEqual([
    [88n, 1n, base],
    [91n, 1n, base],
    [101n, 150n, base],
  ]);
  expect(second.events.map(({ attributes }) => attributes)).toEqual([
    [
      { key: "new_num_relays_ema", value: '"150"' },
      { key: "new_target_hash_hex_encoded", value: `"${base}"` },
      { key: "prev_num_relays_ema", value: '"1"' },
      { key: "prev_target_hash_hex_encoded", value: `"${base}"` },
      { key: "service_id", value: '"develop-http"' },
    ],
  ]);
});

test("services in the order of their ids, and none without a settled claim", () => {
  const state = stateAt(new StateStore("pocket"), 20n);
  const { ctx, events } = recorder(state);
  updateDifficulties(state, ctx, [settledLeaves(3n, "b"), settledLeaves(3n, "a"), settledLeaves(4n, "b")]);
  const said = events.map(({ attributes }) =>
    attributes.filter(({ key }) => /^(service_id|prev_num)/.test(key)).map(({ value }) => value),
  );
  expect(said).toEqual([
    ['"3"', '"a"'],
    ['"7"', '"b"'],
  ]);
  expect(settleAt(state, 30n).events).toEqual([]);
});

const base = toHex(BASE_TARGET);
const cases = new Vectors("relay").file.cases.filter(
  ({ kind, previous_target_hash: from }) => kind === "difficulty_next" && from === base,
);

test.each(cases)("vector: $relays_ema relays where $target_num_relays are wanted", (vector) => {
  const state = stateAt(new StateStore("pocket"), 20n, {
    service: { ...MODULE_PARAMS.service, targetNumRelays: BigInt(vector["target_num_relays"] as string) },
  });
  const { events } = settleAt(state, 20n, BigInt(vector["relays_ema"] as string));
  const target = events[0]?.attributes.find(({ key }) => key === "prev_target_hash_hex_encoded");
  expect(target?.value).toBe(`"${vector["target_hash"]}"`);
});
