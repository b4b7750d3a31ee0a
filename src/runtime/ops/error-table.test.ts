import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ERRORS, EXIT, errorRow } from "./error-table.ts";

const SRC = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Codes that end no command: whoever calls the thrower handles them, or they can only come from a defect of ours, and then exit 70
 * with the stack is what is wanted.
 */
const INTERNAL = new Set([
  "ACCOUNT_WITHOUT_KEY",
  "BAD_DIGEST",
  "BAD_HEX",
  "BAD_PROTO",
  "BAD_RANDOM",
  "BAD_RING_KEY",
  "BAD_RING_SIGNER",
  "CLAIM_DISCARDED",
  "CLAIM_INVALID",
  "CLAIM_NOT_SEALED",
  "DIFFICULTY_INVALID",
  "EMPTY_PAYLOAD",
  "GAS_PRICE_INVALID",
  "LEASE_LOST",
  "NO_PUBLIC_KEY",
  "PARAMS_INVALID",
  "PROOF_INVALID",
  "REDIS_BAD_REPLY",
  "RELAY_UNPUBLISHABLE",
  "SEED_HASH_DISAGREES",
  "SPOOL_FAILED",
  "SPOOL_FULL",
  "SUPPLIER_RECORD_EMPTY",
  "TRIE_CHANGING",
  "TX_UNANSWERED",
]);
const isInternal = (code: string) => INTERNAL.has(code) || code.startsWith("SMST_");

/** Where the code is no literal: the values come from elsewhere, and these are what they can be. */
const PASSED_ON: Readonly<Record<string, readonly string[]>> = {
  kind: ["CHAIN_NOT_FOUND", "CHAIN_REFUSED"],
  "thrown.code": [],
};

/** Code → files that throw it. */
function thrownCodes(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const name of readdirSync(SRC, { recursive: true, encoding: "utf8" })) {
    if (!/\.tsx?$/.test(name) || /\.test\.tsx?$/.test(name)) continue;
    const text = readFileSync(`${SRC}${name}`, "utf8");
    for (const [, first = ""] of text.matchAll(/new AppError\(\s*([^,]+),/g)) {
      const literals = [...first.matchAll(/"([A-Z][A-Z0-9_]+)"/g)].map(([, code]) => code ?? "");
      const codes = literals.length > 0 ? literals : PASSED_ON[first.trim()];
      for (const code of codes ?? [`${first.trim()} in ${name}`])
        found.set(code, [...(found.get(code) ?? []), name]);
    }
  }
  return found;
}

test("every code that is thrown has a row, or is known to end no command", () => {
  const codes = [...thrownCodes().keys()];
  expect(codes.length).toBeGreaterThan(40);
  expect(codes.filter((code) => !Object.hasOwn(ERRORS, code) && !isInternal(code))).toEqual([]);
  expect(codes.filter((code) => Object.hasOwn(ERRORS, code) && isInternal(code))).toEqual([]);
});

test("no row and no exception outlives its last thrower", () => {
  const codes = thrownCodes();
  const expected = [...Object.keys(ERRORS), ...INTERNAL];
  expect(expected.filter((code) => !codes.has(code))).toEqual([]);
});

test("every row has a documented exit code and says what to do", () => {
  const exits: readonly number[] = Object.values(EXIT);
  for (const row of Object.values(ERRORS)) {
    expect(exits).toContain(row.exit);
    expect(row.means).toMatch(/^[A-Z].*\.$/);
    expect(row.todo.length).toBeGreaterThan(20);
  }
});

test("a code without a row is a defect", () => {
  expect(errorRow("NO_SUCH_CODE").exit).toBe(EXIT.bug);
  expect(errorRow("toString").exit).toBe(EXIT.bug);
});
