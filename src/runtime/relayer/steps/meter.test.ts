import { expect, test } from "vitest";
import { Application } from "../../../chain/proto/application.ts";
import { SharedParams } from "../../../chain/proto/shared.ts";
import { sessionLimit } from "./meter.ts";

const params = SharedParams.create({
  numBlocksPerSession: 10n,
  claimWindowOpenOffsetBlocks: 1n,
  claimWindowCloseOffsetBlocks: 4n,
  proofWindowOpenOffsetBlocks: 0n,
  proofWindowCloseOffsetBlocks: 4n,
});
const application = (amount: string, limit?: string) =>
  Application.create({
    stake: { denom: "upokt", amount },
    perSessionSpendLimit: limit === undefined ? undefined : { denom: "upokt", amount: limit },
  });

test("the stake is split among suppliers first, then among unsettled sessions, each cut to whole upokt", () => {
  // 9 blocks of windows in sessions of 10: one pending session, and one more
  expect(sessionLimit(application("1000000007"), params, 5n, undefined)).toBe(100_000_000n);
  expect(sessionLimit(application("9"), params, 5n, undefined)).toBe(0n);
});

test("a service factor replaces the split; a spend limit caps it", () => {
  expect(sessionLimit(application("1000000007"), params, 5n, 0.5)).toBe(500_000_003n);
  expect(sessionLimit(application("1000000007", "1000"), params, 5n, 0.5)).toBe(200n);
  expect(sessionLimit(application("1000000007", "0"), params, 5n, undefined)).toBe(100_000_000n);
});

test("zeros on chain count as one; a stake that is no number is an error, not a free pass", () => {
  const zeros = SharedParams.create({});
  expect(sessionLimit(application("100"), zeros, 0n, undefined)).toBe(50n);
  expect(() => sessionLimit(application("1e9"), params, 5n, undefined)).toThrow(
    expect.objectContaining({ code: "CHAIN_BAD_ANSWER" }),
  );
});
