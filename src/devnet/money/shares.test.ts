import fc from "fast-check";
import { expect, test } from "vitest";
import { revShareFault, shareReward, splitMint } from "./shares.ts";
import { proportionally, sharePot } from "./validator-pots.ts";

const DISTRIBUTION = { dao: 0.1, proposer: 0.05, supplier: 0.7, sourceOwner: 0.15, application: 0 };

test("a mint of 487 500 as the chain splits it (chain 8.4)", () => {
  expect(splitMint(487_500n, DISTRIBUTION)).toEqual({
    supplier: 341_250n,
    proposer: 24_375n,
    sourceOwner: 73_125n,
    application: 0n,
    dao: 48_750n,
  });
  expect(splitMint(1n, DISTRIBUTION).dao).toBe(1n);
});

test("shares are rounded down, the first listed takes the rest, and payments are sorted by address", () => {
  const shares = [
    { address: "c", revSharePercentage: 34n },
    { address: "a", revSharePercentage: 33n },
    { address: "b", revSharePercentage: 33n },
  ];
  expect(shareReward(101n, shares)).toEqual([
    { address: "a", amount: 33n },
    { address: "b", amount: 33n },
    { address: "c", amount: 35n },
  ]);
  expect(shareReward(1n, shares)).toEqual([{ address: "c", amount: 1n }]);
});

test.each([
  ["empty", [], 0n],
  ["99 percent", [{ address: "a", revSharePercentage: 99n }], 99n],
  [
    "one address twice",
    [
      { address: "a", revSharePercentage: 50n },
      { address: "a", revSharePercentage: 50n },
    ],
    100n,
  ],
])("%s is a fault", (_, shares, sum) => {
  expect(revShareFault(shares)?.sum).toBe(sum);
});

test("nothing of a reward is lost", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 15n }), fc.integer({ min: 0, max: 100 }), (amount, part) => {
      const shares = [
        { address: "b", revSharePercentage: BigInt(part) },
        { address: "a", revSharePercentage: BigInt(100 - part) },
      ];
      return shareReward(amount, shares).reduce((sum, payment) => sum + payment.amount, 0n) === amount;
    }),
  );
});

test("by weight: the rest goes to the largest remainders, the earlier on a tie", () => {
  expect(proportionally(10n, [1n, 1n, 1n])).toEqual([4n, 3n, 3n]);
  expect(proportionally(10n, [1n, 2n, 4n])).toEqual([1n, 3n, 6n]);
  expect(proportionally(10n, [0n, 0n])).toEqual([0n, 0n]);
});

test("one validator takes its commission and its part of the rest", () => {
  const validator = {
    operatorAddress: "valoper",
    accountAddress: "val",
    commissionRate: "0.1",
    delegations: [
      { address: "val", tokens: 600n },
      { address: "del", tokens: 300n },
    ],
  };
  const [share] = sharePot(1001n, [validator]);
  expect(share).toMatchObject({
    share: 1001n,
    commission: 100n,
    selfReward: 601n,
    delegatorsReward: 300n,
    delegators: 1,
    tokens: 900n,
    commissionRate: "0.100000000000000000",
  });
  expect(share?.payments).toEqual([
    { address: "del", amount: 300n },
    { address: "val", amount: 701n },
  ]);
});
