import { expect, test } from "vitest";
import { countdown, dueWithin } from "./countdown.ts";

const windows = {
  graceEnd: 21n,
  claimOpen: 22n,
  claimClose: 26n,
  proofOpen: 26n,
  proofClose: 30n,
  settle: 31n,
};
const at = (state: string, height: bigint) => countdown({ state, endHeight: 20n, windows }, height);

test("a running session counts down to its own end, whatever its state", () => {
  expect(at("active", 11n)).toEqual({ edge: "session ends", blocks: 9n });
  expect(at("active", 20n)).toEqual({ edge: "session ends", blocks: 0n });
});

test("an ended session counts down to the windows that its state is about", () => {
  expect(at("active", 21n)).toEqual({ edge: "claim opens", blocks: 1n });
  expect(at("active", 22n)).toEqual({ edge: "claim closes", blocks: 4n });
  expect(at("claiming", 26n)).toEqual({ edge: "claim closes", blocks: 0n });
  expect(at("claimed", 23n)).toEqual({ edge: "proof opens", blocks: 3n });
  expect(at("proving", 27n)).toEqual({ edge: "proof closes", blocks: 3n });
  expect(at("claimed", 31n)).toEqual({ edge: "settles", blocks: 0n });
  expect(at("proved", 28n)).toEqual({ edge: "settles", blocks: 3n });
});

test("a window that closed unclaimed is told as passed", () => {
  expect(at("active", 28n)).toEqual({ edge: "claim closes", blocks: -2n });
  expect(at("claim_window_closed", 28n)).toEqual({ edge: "closed", blocks: -2n });
  expect(at("proof_tx_error", 35n)).toEqual({ edge: "closed", blocks: -5n });
});

test("a settled session tells when; what is not known is undefined", () => {
  expect(countdown({ state: "proved", endHeight: 20n, windows, settledAt: 31n }, 40n)).toEqual({
    edge: "settled",
    blocks: -9n,
  });
  expect(countdown({ state: "claimed", endHeight: 20n, windows: undefined }, 25n)).toBeUndefined();
  expect(countdown({ state: "active", endHeight: 20n, windows: undefined }, 12n)).toEqual({
    edge: "session ends",
    blocks: 8n,
  });
  expect(countdown({ state: "active", endHeight: 20n, windows }, undefined)).toBeUndefined();
});

test("money is due only while a window is open and nothing settled it", () => {
  const due = (state: string, height: bigint) => dueWithin({ state, endHeight: 20n, windows }, height);
  expect(due("active", 21n)).toBeUndefined();
  expect(due("active", 24n)).toBe(2n);
  expect(due("claimed", 24n)).toBeUndefined();
  expect(due("claimed", 28n)).toBe(2n);
  expect(due("proved", 28n)).toBeUndefined();
  expect(due("active", 27n)).toBeUndefined();
});
