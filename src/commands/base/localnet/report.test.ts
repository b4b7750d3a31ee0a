import { describe, expect, test } from "vitest";
import { equation, grouped, imbalances, pokt, type Row, shortAddress, table, totalsOf } from "./report.ts";

const row: Row = {
  session: 2n,
  sessionEnd: 20n,
  service: "eth",
  computeUnitsPerRelay: 100n,
  supplier: "pokt1kgxmwfgxxpg32fv2s7dlmaqac39m8advqqgy67",
  answered: 56n,
  uncertain: 0n,
  leaves: 56n,
  claimedRelays: 56n,
  claimedUpokt: 235_200n,
  proofRequired: true,
  proofVerified: true,
  settledRelays: 56n,
  settledUpokt: 235_200n,
  state: "proved",
  trouble: undefined,
};

test("rows that hold add up and have no imbalance", () => {
  const rows = [row, { ...row, proofRequired: false, proofVerified: false }];
  expect(imbalances(rows)).toEqual([]);
  expect(totalsOf(rows)).toEqual({
    answered: 112,
    leaves: 112,
    claimed_relays: 112,
    settled_relays: 112,
    claimed_upokt: 470_400,
    settled_upokt: 470_400,
    proofs_required: 1,
    proofs_verified: 1,
    lost: 0,
    doubled: 0,
  });
});

describe("each side of the equation that is off is told", () => {
  const broken: readonly (readonly [string, Partial<Row>])[] = [
    ["a leaf is missing", { leaves: 55n }],
    ["a leaf too many", { leaves: 57n }],
    ["claimed less than it has leaves", { claimedRelays: 55n }],
    ["settled less than it claimed", { settledRelays: 55n }],
    ["paid less than it claimed", { settledUpokt: 235_199n }],
    ["a required proof was not verified", { proofVerified: false }],
    ["nothing settled", { settledRelays: 0n, settledUpokt: 0n, trouble: "expired: PROOF_MISSING" }],
  ];
  test.each(broken)("%s", (_, change) => {
    expect(imbalances([row, { ...row, ...change }])).toHaveLength(1);
  });
});

test("one row's surplus does not hide another's loss", () => {
  const rows = [
    { ...row, leaves: 57n, claimedRelays: 57n, settledRelays: 57n },
    { ...row, leaves: 55n, claimedRelays: 55n, settledRelays: 55n },
  ];
  expect(totalsOf(rows)).toMatchObject({ answered: 112, settled_relays: 112, lost: 1, doubled: 1 });
  expect(imbalances(rows)).toHaveLength(2);
});

test("a relay whose answer never arrived may be a leaf or not, once", () => {
  const stored = { leaves: 57n, claimedRelays: 57n, settledRelays: 57n };
  expect(imbalances([{ ...row, uncertain: 1n }])).toEqual([]);
  expect(imbalances([{ ...row, ...stored, uncertain: 1n }])).toEqual([]);
  expect(totalsOf([{ ...row, ...stored, uncertain: 1n }])).toMatchObject({ lost: 0, doubled: 0 });
  expect(
    imbalances([{ ...row, leaves: 58n, claimedRelays: 58n, settledRelays: 58n, uncertain: 1n }]),
  ).toHaveLength(1);
});

test("the table is aligned, the equation says whether it holds", () => {
  const lines = table([row, { ...row, service: "weather", answered: 1_234n, proofVerified: false }]);
  expect(lines).toHaveLength(3);
  expect(lines[1]).toBe(
    "      2  eth      pokt1kgx…y67       100        56      56        235 200  ✔ verified        235 200",
  );
  expect(lines[2]).toContain("1 234");
  expect(lines[2]).toContain("✖ required");
  expect(equation(totalsOf([row]), true)).toBe(
    "answered 56 = leaves 56 = claimed 56 = settled 56 · lost 0 · doubled 0",
  );
  expect(equation(totalsOf([row]), false)).toContain("≠");
});

test("figures read easily", () => {
  expect([grouped(0), grouped(999), grouped(1_000n), grouped(1_234_567)]).toEqual([
    "0",
    "999",
    "1 000",
    "1 234 567",
  ]);
  expect([pokt(0n), pokt(1n), pokt(1_500_000n), pokt(12_000_000_000n)]).toEqual([
    "0 POKT",
    "0.000001 POKT",
    "1.5 POKT",
    "12 000 POKT",
  ]);
  expect(shortAddress("pokt1kgxmwfgxxpg32fv2s7dlmaqac39m8advqqgy67")).toBe("pokt1kgx…y67");
});
