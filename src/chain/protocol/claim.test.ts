import { describe, expect, test } from "vitest";
import { bigToBytes, concatBytes } from "../../base/bytes.ts";
import { SessionHeader } from "../proto/session.ts";
import { claimProblem, proofProblem, rootTotals } from "./claim.ts";

const root = (sum: bigint, count: bigint) =>
  concatBytes(new Uint8Array(32).fill(1), bigToBytes(sum, 8), bigToBytes(count, 8));
const good = {
  supplierOperatorAddress: "pokt184zvylazwu4queyzpl0gyz9yf5yxm2kdhh9hpm",
  sessionHeader: SessionHeader.create({
    applicationAddress: "pokt1mrqt5f7qh8uxs27cjm9t7v9e74a9vvdnq5jva4",
    serviceId: "eth",
    sessionId: "session-1",
    sessionStartBlockHeight: 101n,
    sessionEndBlockHeight: 110n,
  }),
  rootHash: root(500n, 5n),
};

describe("stateless checks", () => {
  test("a good claim and a good proof pass", () => {
    expect(claimProblem(good)).toBeUndefined();
    expect(proofProblem({ ...good, proof: new Uint8Array(1) })).toBeUndefined();
  });

  test("the supplier comes before the header, the header before the rest", () => {
    const bad = { ...good, sessionHeader: undefined, rootHash: new Uint8Array(0) };
    expect(claimProblem({ ...bad, supplierOperatorAddress: "pokt1x" })).toEqual({
      code: 1101,
      text: "pokt1x: invalid address",
    });
    expect(claimProblem(bad)?.code).toBe(1115);
    expect(proofProblem({ ...bad, proof: new Uint8Array(0) })?.code).toBe(1115);
    expect(proofProblem({ ...good, proof: new Uint8Array(0) })).toEqual({
      code: 1108,
      text: "proof cannot be empty: invalid proof",
    });
  });

  test.each([
    [root(0n, 0n), /^has zero count .*: invalid root hash$/],
    [root(0n, 5n), /^has zero sum .*: invalid root hash$/],
    [new Uint8Array(49), /^expecting root hash to be 48 bytes, got 49 bytes: invalid root hash$/],
  ])("a root the chain refuses, case %#", (rootHash, text) => {
    const problem = claimProblem({ ...good, rootHash });
    expect(problem?.code).toBe(1104);
    expect(problem?.text).toMatch(text);
  });
});

test("a root ends in its sum and its count", () => {
  expect(rootTotals(root(500n, 5n))).toEqual({ sum: 500n, count: 5n });
  expect(() => rootTotals(new Uint8Array(47))).toThrow(expect.objectContaining({ code: "CLAIM_INVALID" }));
});
