import { expect, test } from "vitest";
import { fromHex } from "../../base/bytes.ts";
import { selectSuppliers, sessionId, sessionPreimage, supplierWeight } from "./session-id.ts";

const seed = {
  blockHash: fromHex("ab".repeat(32)),
  serviceId: "eth",
  applicationAddress: "pokt1mrqt5f7qh8uxs27cjm9t7v9e74a9vvdnq5jva4",
  startHeight: 101n,
};
const candidates = Array.from({ length: 8 }, (_, index) => `supplier-${index}`);
const weight = (address: string) => supplierWeight(sessionPreimage(seed), address);

test("fewer candidates than places keep their order, as many or more are sorted by weight", () => {
  expect(selectSuppliers(seed, candidates, 9n)).toEqual(candidates);
  const sorted = candidates.toSorted((left, right) => (weight(left) < weight(right) ? -1 : 1));
  expect(sorted).not.toEqual(candidates);
  expect(selectSuppliers(seed, candidates, 8n)).toEqual(sorted);
  expect(selectSuppliers(seed, candidates, 3n)).toEqual(sorted.slice(0, 3));
});

test("weights are signed: the negative ones come first", () => {
  const weights = selectSuppliers(seed, candidates, 8n).map(weight);
  expect(weights[0]).toBeLessThan(0n);
  expect(weights.at(-1)).toBeGreaterThan(0n);
});

test("a height below 1 has no block hash", () => {
  expect(sessionId({ ...seed, startHeight: 0n })).toBe(
    sessionId({ ...seed, startHeight: 0n, blockHash: new Uint8Array(0) }),
  );
  expect(sessionId(seed)).not.toBe(sessionId({ ...seed, blockHash: new Uint8Array(32) }));
});
