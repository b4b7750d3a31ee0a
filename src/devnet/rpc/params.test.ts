import { expect, test } from "vitest";
import { readParams, readQueryParams } from "./params.ts";

const SPEC = { path: "text", data: "hex", height: "int", prove: "bool" } as const;

test("by name and by position", () => {
  const named = readParams(SPEC, { path: "/a", data: "0aff", height: "-7", prove: true });
  expect(named).toEqual({ path: "/a", data: new Uint8Array([10, 255]), height: -7n, prove: true });
  expect(readParams(SPEC, ["/a", "0aff", "-7", true])).toEqual(named);
  expect(readParams(SPEC, {})).toEqual({});
});

test.each([
  [{ height: 5 }, 'invalid 64-bit integer encoding "5", expected string'],
  [{ height: "" }, "unexpected end of JSON input"],
  [{ data: "zz" }, "encoding/hex: invalid byte: U+007A 'z'"],
  [{ data: "abc" }, "encoding/hex: odd length hex string"],
  [{ path: 5 }, "json: cannot unmarshal number into Go value of type string"],
  [["/a"], "expected 4 parameters (path data height prove), got 1 (/a)"],
])("%j", (params, why) => {
  expect(() => readParams(SPEC, params)).toThrow(
    expect.objectContaining({ code: -32602, data: `error converting json params to arguments: ${why}` }),
  );
});

test("the URI form", () => {
  const search = new URLSearchParams('path="/a"&data=0x0aff&height="7"&prove=true');
  expect(readQueryParams(SPEC, search)).toEqual({
    path: "/a",
    data: new Uint8Array([10, 255]),
    height: 7n,
    prove: true,
  });
  expect(() => readQueryParams(SPEC, new URLSearchParams("path=a"))).toThrow(
    expect.objectContaining({ code: -32602 }),
  );
});
