import fc from "fast-check";
import { expect, test } from "vitest";
import { fromHex, toHex } from "../../base/bytes.ts";
import { addressBytes, addressOf, encodeAddress, isAddress, moduleAddress } from "./address.ts";

// relay-path A.1
const APP_KEY = fromHex("02309a613c50df652801f4a3521e364e47e79d3891eeb1a6c2396467368f1a20ab");
const APP_ADDRESS = "pokt1v549fccp7yss32scn3vrdrkvjgkvvee2g622ap";

test("a public key has the address that the chain gives it", () => {
  expect(addressOf(APP_KEY)).toBe(APP_ADDRESS);
  expect(moduleAddress("proof")).toBe("pokt1c8x6ycmzs29kjfn9zgzjh97txu578vzj4ahzhh");
});

test("1 to 255 bytes go both ways, whatever their number", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 255 }), (bytes) => {
      expect(toHex(addressBytes(encodeAddress(bytes)))).toBe(toHex(bytes));
    }),
  );
  for (const length of [0, 256])
    expect(() => encodeAddress(new Uint8Array(length))).toThrow(
      expect.objectContaining({ code: "BAD_ADDRESS" }),
    );
});

test("any text is either an address or refused, and no changed character is taken for another address", () => {
  fc.assert(fc.property(fc.string(), (text) => !isAddress(text)));
  fc.assert(
    fc.property(
      fc.nat(APP_ADDRESS.length - 1),
      fc.constantFrom(..."qpzry9x8gf2tvdw0s3jn54khce6mua7l"),
      (at, c) => {
        const changed = APP_ADDRESS.slice(0, at) + c + APP_ADDRESS.slice(at + 1);
        expect(isAddress(changed)).toBe(changed === APP_ADDRESS);
      },
    ),
  );
});
