import fc from "fast-check";
import { expect, test } from "vitest";
import {
  canonicalHeaderName,
  headerMap,
  headerPairs,
  isToken,
  valueFromWire,
  valueToWire,
} from "./http-headers.ts";

test.each([
  ["content-type", "Content-Type"],
  ["ETAG", "Etag"],
  ["x_under", "X_under"],
  ["x--y", "X--Y"],
  ["-x", "-X"],
  ["1a-2b", "1a-2b"],
  ["bad key", "bad key"],
  ["gr\u00fcn-key", "gr\u00fcn-key"],
  ["", ""],
])("%s is written %s", (name, canonical) => {
  expect(canonicalHeaderName(name)).toBe(canonical);
});

test("a canonical name stays as it is, and no letter is lost", () => {
  const name = fc.string({ unit: fc.constantFrom(..."abXYZ-_09 !:\u00e9"), maxLength: 12 });
  fc.assert(
    fc.property(name, (given) => {
      const canonical = canonicalHeaderName(given);
      expect(canonicalHeaderName(canonical)).toBe(canonical);
      expect(canonical.toLowerCase()).toBe(given.toLowerCase());
      if (!isToken(given)) expect(canonical).toBe(given);
    }),
  );
});

test("values of one name stand together, in the order they came", () => {
  const map = headerMap([
    ["set-cookie", "b"],
    ["Date", "now"],
    ["Set-Cookie", "a"],
  ]);
  expect([...map]).toEqual([
    ["Set-Cookie", { key: "Set-Cookie", values: ["b", "a"] }],
    ["Date", { key: "Date", values: ["now"] }],
  ]);
  expect(headerPairs(map)).toEqual([
    ["Set-Cookie", "b"],
    ["Set-Cookie", "a"],
    ["Date", "now"],
  ]);
});

test("the name in the map counts, made canonical, not the one in the header", () => {
  expect(headerPairs(new Map([["map-key", { key: "Other", values: ["v"] }]]))).toEqual([["Map-Key", "v"]]);
});

test("values are UTF-8 in an envelope and bytes on the wire; what is no UTF-8 stays one character a byte", () => {
  const wire = Buffer.from("日本 é", "utf8").toString("latin1");
  expect(valueToWire("日本 é")).toBe(wire);
  expect(valueFromWire(wire)).toBe("日本 é");
  expect(valueFromWire("caf\u00e9")).toBe("caf\u00e9");
  expect([valueToWire("plain"), valueFromWire("plain")]).toEqual(["plain", "plain"]);
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      expect(valueFromWire(valueToWire(text))).toBe(text);
    }),
  );
});
