import { describe, expect, test } from "vitest";
import { addressProblem } from "./bech32-problem.ts";

const GOOD = "pokt19a3t4yunp0dlpfjrp7qwnzwlrzd5fzs2gjaaaj";

test("an address has none", () => {
  expect(addressProblem(GOOD)).toBeUndefined();
  expect(addressProblem(GOOD.toUpperCase())).toBeUndefined();
});

describe("in the chain's words", () => {
  test.each([
    ["", "empty address string is not allowed"],
    ["pokt1xx", "decoding bech32 failed: invalid bech32 string length 7"],
    ["pokt1nonsense", "decoding bech32 failed: invalid character not part of charset: 111"],
    ["nonsense", "decoding bech32 failed: invalid separator index -1"],
    [`${GOOD.slice(0, -1)}q`, "decoding bech32 failed: invalid checksum (expected gjaaaj got gjaaaq)"],
    [`P${GOOD.slice(1)}`, "decoding bech32 failed: string not all lowercase or all uppercase"],
    ["cosmos1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqnrql8a", "invalid Bech32 prefix; expected pokt, got cosmos"],
  ])("%j", (text, problem) => {
    expect(addressProblem(text)).toBe(problem);
  });
});
