import { expect, test } from "vitest";
import { lastPaidHeight, relayArrival } from "./arrival.ts";

const params = (grace: bigint, claims: bigint) => ({
  gracePeriodEndOffsetBlocks: grace,
  claimWindowOpenOffsetBlocks: claims,
});

test("a relay is served as long as it is in grace and no claim window is open", () => {
  expect(lastPaidHeight(470n, params(1n, 1n))).toBe(471n);
  expect(lastPaidHeight(470n, params(0n, 1n))).toBe(470n);
  expect(lastPaidHeight(470n, params(4n, 8n))).toBe(474n);
  // The chain refuses such params. Were they there, block 472 would open the claims, and grace would go on.
  expect(lastPaidHeight(470n, params(10n, 1n))).toBe(471n);
  expect(lastPaidHeight(470n, params(10n, 0n))).toBe(470n);
});

test("with params that the chain accepts it is where the Go peer stops serving, at every height around", () => {
  const span = { start: 461n, end: 470n };
  for (const [grace, claims] of [
    [0n, 0n],
    [0n, 1n],
    [1n, 1n],
    [4n, 4n],
    [4n, 9n],
  ] as const)
    for (let height = 455n; height < 490n; height++)
      expect(height <= lastPaidHeight(span.end, params(grace, claims))).toBe(
        relayArrival(span, height, params(grace, claims)).served,
      );
});
