import { expect, test } from "vitest";
import {
  bigToBytes,
  bytesToBig,
  compareBytes,
  concatBytes,
  equalBytes,
  fromHex,
  fromUtf8,
  toHex,
  utf8,
} from "./bytes.ts";

test("hex goes both ways and bad hex is refused", () => {
  expect(toHex(fromHex("00fFa0"))).toBe("00ffa0");
  for (const bad of ["0", "0g", " 00", "é0"])
    expect(() => fromHex(bad)).toThrow(expect.objectContaining({ code: "BAD_HEX" }));
});

test("byte strings compare like Go's bytes.Compare", () => {
  expect(compareBytes(fromHex("01"), fromHex("0100"))).toBeLessThan(0);
  expect(compareBytes(fromHex("02"), fromHex("0100"))).toBeGreaterThan(0);
  expect(equalBytes(fromHex("0102"), concatBytes(fromHex("01"), fromHex("02")))).toBe(true);
  expect(equalBytes(fromHex("01"), fromHex("0102"))).toBe(false);
});

test("integers are big-endian", () => {
  expect(toHex(bigToBytes(0x0102n, 4))).toBe("00000102");
  expect(bytesToBig(fromHex("00000102"))).toBe(0x0102n);
  expect(bytesToBig(new Uint8Array())).toBe(0n);
});

test("text that is not UTF-8 is refused", () => {
  expect(fromUtf8(utf8("häh"))).toBe("häh");
  expect(() => fromUtf8(fromHex("ff"))).toThrow(TypeError);
});
