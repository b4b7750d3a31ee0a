import { expect, test } from "vitest";
import { verifyDigest } from "../../chain/protocol/ecdsa.ts";
import { keyRingOf } from "../keys/key-ring.ts";
import { HeldKeys } from "./held-keys.ts";

const ringOf = (...digits: readonly number[]) =>
  keyRingOf(digits.map((digit) => ({ privateKey: new Uint8Array(32).fill(digit), source: `${digit}` })));
const [first = "", second = "", third = ""] = ringOf(1, 2, 3).addresses();
const DIGEST = new Uint8Array(32).fill(7);

test("a removed key signs until it is let go; one that comes back has never left", () => {
  let now = 0;
  const keys = new HeldKeys(ringOf(1, 2), () => now);
  expect(keys.take(ringOf(2, 3))).toEqual([first]);
  now = 500;
  expect(keys.addresses()).toEqual([second, third, first]);
  expect(keys.configured.addresses()).toEqual([second, third]);
  expect(keys.leaving()).toEqual([{ address: first, forMs: 500 }]);
  for (const address of keys.addresses())
    expect(verifyDigest(keys.publicKey(address), DIGEST, keys.sign(address, DIGEST))).toBe(true);

  keys.letGo(first);
  expect(keys.has(first)).toBe(false);
  expect(() => keys.sign(first, DIGEST)).toThrow(expect.objectContaining({ code: "KEY_NOT_HELD" }));

  keys.take(ringOf(3));
  keys.take(ringOf(2, 3));
  expect(keys.leaving()).toEqual([]);
});
