import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OPEN_STATES, SESSION_STATES, type SessionState, TERMINAL_STATES } from "../redis/session-record.ts";
import { type ClaimOnChain, nextAction, type SessionFacts } from "./session-state.ts";

/** Session end 110, offsets 1/4/1/4: claim 112 to 116, proof 117 to 121. */
const windows = {
  graceEnd: 111n,
  claimOpen: 112n,
  claimClose: 116n,
  proofOpen: 117n,
  proofClose: 121n,
  settle: 121n,
};
const UNKNOWN: ClaimOnChain = { kind: "unknown" };
const ABSENT: ClaimOnChain = { kind: "absent" };
const FOREIGN: ClaimOnChain = { kind: "foreign" };
const PENDING: ClaimOnChain = { kind: "ours", proof: "pending" };
const VALIDATED: ClaimOnChain = { kind: "ours", proof: "validated" };
const INVALID: ClaimOnChain = { kind: "ours", proof: "invalid" };

const told = (
  state: SessionState,
  height: bigint,
  claim: ClaimOnChain,
  sent: Partial<SessionFacts["sent"]> = {},
) => {
  const action = nextAction({
    state,
    height,
    windows,
    claim,
    sent: { times: 0, at: undefined, ...sent },
    maxSends: 3,
  });
  return action.do === "become" ? action.state : action.do;
};

describe("a session at every edge", () => {
  test.each<[SessionState, bigint, ClaimOnChain, string]>([
    ["active", 110n, UNKNOWN, "wait"],
    ["active", 111n, ABSENT, "wait"],
    ["active", 112n, UNKNOWN, "claim"],
    ["active", 112n, ABSENT, "claim"],
    ["active", 115n, ABSENT, "claim"],
    ["active", 116n, ABSENT, "claim_window_closed"],
    ["active", 116n, UNKNOWN, "wait"],
    ["active", 116n, PENDING, "claimed"],
    ["active", 116n, FOREIGN, "claim_tx_error"],
    ["claiming", 111n, ABSENT, "wait"],
    ["claiming", 113n, ABSENT, "claim"],
    ["claiming", 113n, PENDING, "claimed"],
    ["claiming", 113n, FOREIGN, "claim"],
    ["claiming", 116n, ABSENT, "claim_missing"],
    ["claiming", 120n, UNKNOWN, "wait"],
    ["claiming", 121n, UNKNOWN, "settle"],
    ["claiming", 121n, ABSENT, "settle"],
    ["claimed", 115n, ABSENT, "claim"],
    ["claimed", 116n, ABSENT, "claim_missing"],
    ["claimed", 116n, FOREIGN, "claim_tx_error"],
    ["claimed", 116n, PENDING, "wait"],
    ["claimed", 117n, PENDING, "prove"],
    ["claimed", 117n, UNKNOWN, "wait"],
    ["claimed", 120n, PENDING, "prove"],
    ["claimed", 121n, ABSENT, "settle"],
    ["proving", 117n, PENDING, "prove"],
    ["proving", 118n, VALIDATED, "proved"],
    ["proving", 118n, INVALID, "prove"],
    ["proving", 118n, UNKNOWN, "prove"],
    ["proving", 118n, ABSENT, "claim_missing"],
    ["proving", 118n, FOREIGN, "claim_tx_error"],
    ["proving", 120n, PENDING, "prove"],
    ["proving", 121n, UNKNOWN, "settle"],
  ])("%s at %s with %j: %s", (state, height, claim, expected) => {
    expect(told(state, height, claim)).toBe(expected);
  });
});

test("what was broadcast is given two blocks to appear, and is sent a bounded number of times", () => {
  expect(told("claiming", 113n, ABSENT, { times: 1, at: 112n })).toBe("wait");
  expect(told("claiming", 114n, ABSENT, { times: 1, at: 112n })).toBe("claim");
  expect(told("claiming", 115n, ABSENT, { times: 3, at: 112n })).toBe("wait");
  expect(told("proving", 118n, PENDING, { times: 1, at: 117n })).toBe("wait");
  expect(told("proving", 119n, PENDING, { times: 1, at: 117n })).toBe("prove");
});

test("a window's last chance is taken without patience, and once", () => {
  expect(told("claiming", 115n, ABSENT, { times: 1, at: 114n })).toBe("claim");
  expect(told("claiming", 115n, ABSENT, { times: 1, at: 115n })).toBe("wait");
  expect(told("proving", 120n, PENDING, { times: 1, at: 119n })).toBe("prove");
  expect(told("proving", 120n, PENDING, { times: 3, at: 119n })).toBe("wait");
});

const anyFacts = fc.record({
  state: fc.constantFrom(...SESSION_STATES),
  height: fc.bigInt(100n, 130n),
  windows: fc.constant(windows),
  claim: fc.constantFrom(UNKNOWN, ABSENT, FOREIGN, PENDING, VALIDATED, INVALID),
  sent: fc.record({ times: fc.nat(4), at: fc.option(fc.bigInt(100n, 130n), { nil: undefined }) }),
  maxSends: fc.constant(3),
});

test("terminal states are absorbing", () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      fc.pre(TERMINAL_STATES.some((state) => state === facts.state));
      expect(nextAction(facts)).toEqual({ do: "wait" });
    }),
  );
});

test("nothing is sent outside its window, and an open session is never given up while the chain's word is missing", () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const action = nextAction(facts);
      const { height, claim } = facts;
      if (action.do === "claim") expect(height >= 112n && height < 116n).toBe(true);
      if (action.do === "prove") expect(height >= 117n && height < 121n).toBe(true);
      if (action.do === "prove") expect(["foreign", "absent"]).not.toContain(claim.kind);
      if (claim.kind === "unknown") expect(action.do).not.toBe("become");
    }),
    { numRuns: 2_000 },
  );
});

test("past settlement every open session asks for its outcome or ends", () => {
  for (const state of OPEN_STATES)
    for (const claim of [UNKNOWN, ABSENT, FOREIGN, PENDING])
      expect(told(state, 121n, claim)).not.toBe("wait");
});
