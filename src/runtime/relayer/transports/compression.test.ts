import { expect, test } from "vitest";
import { takesGzip } from "./compression.ts";

test.each([
  ["gzip", true],
  ["gzip, deflate, br", true],
  ["br;q=1.0, GZIP;q=0.5", true],
  ["*", true],
  ["gzip;q=0", false],
  ["gzip;q=0.000, *", false],
  ["*;q=0", false],
  ["identity", false],
  ["br", false],
  ["", false],
  [undefined, false],
])("a client that accepts %s takes gzip: %s", (accept, expected) => {
  expect(takesGzip(accept)).toBe(expected);
});
