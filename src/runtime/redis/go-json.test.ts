import fc from "fast-check";
import { expect, test } from "vitest";
import { utf8 } from "../../base/bytes.ts";
import {
  absent,
  decodeJson,
  encodeJson,
  field,
  jsonBytes,
  jsonInteger,
  jsonList,
  jsonMap,
  jsonNilList,
  jsonText,
  optional,
  struct,
} from "./go-json.ts";
import { goTime, msToNs, parseGoTime } from "./go-time.ts";

type Sample = {
  readonly name: string;
  readonly amount: bigint;
  readonly note: string;
  readonly items: readonly string[];
  readonly nil: readonly bigint[];
  readonly data: Uint8Array;
  readonly map: ReadonlyMap<bigint, string>;
  readonly inner: { readonly name: string } | undefined;
};

const sample = struct<Sample>(
  field("name", "name", jsonText),
  field("amount", "amount", jsonInteger),
  optional("note", "note", jsonText),
  optional("items", "items", jsonList(jsonText)),
  field("nil", "nil", jsonNilList(jsonInteger)),
  field("data", "data", jsonBytes),
  field("map", "map", jsonMap(jsonText)),
  absent("inner", "inner", struct(field("name", "name", jsonText))),
);

const anySample = fc.record({
  name: fc.string({ unit: "grapheme" }),
  amount: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  note: fc.string(),
  items: fc.array(fc.string()),
  nil: fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
  data: fc.uint8Array(),
  map: fc.array(fc.tuple(fc.bigInt({ min: 0n, max: 99n }), fc.string())).map((entries) => new Map(entries)),
  inner: fc.option(fc.record({ name: fc.string() }), { nil: undefined }),
});

test("what is written is read back, to the last digit", () => {
  fc.assert(
    fc.property(anySample, ({ inner, ...value }) => {
      const whole = { ...value, ...(inner && { inner }) } as Sample;
      expect(decodeJson(sample, encodeJson(sample, whole))).toEqual(whole);
    }),
  );
});

test("zero values stay or go as Go's struct says", () => {
  const zero = {
    name: "",
    amount: 0n,
    note: "",
    items: [],
    nil: [],
    data: new Uint8Array(),
    map: new Map(),
    inner: undefined,
  };
  expect(sample.write(zero)).toBe('{"name":"","amount":0,"nil":null,"data":"","map":null}');
  expect(decodeJson(sample, utf8("{}"))).toMatchObject({ name: "", amount: 0n, items: [] });
});

test("text is escaped as Go escapes it, and digits inside text are left alone", () => {
  const text = 'a<b>&"\\\u2028 12345678901234567890';
  const written = jsonText.write(text);
  expect(written).toBe('"a\\u003cb\\u003e\\u0026\\"\\\\\\u2028 12345678901234567890"');
  expect(decodeJson(jsonText, utf8(written))).toBe(text);
});

test.each(["", "{", "[]", '{"name":1}', '{"amount":1.5}', '{"items":{}}', '{"amount":"x"}'])(
  "%j is refused",
  (text) => {
    expect(() => decodeJson(sample, utf8(text))).toThrow(
      expect.objectContaining({ code: "REDIS_BAD_VALUE" }),
    );
  },
);

test("times are written as Go writes them", () => {
  expect(goTime(1_795_466_231_382_255_181n)).toBe("2026-11-23T20:37:11.382255181Z");
  expect(goTime(1_795_466_231_380_000_000n)).toBe("2026-11-23T20:37:11.38Z");
  expect(goTime(1_795_466_231_000_000_000n)).toBe("2026-11-23T20:37:11Z");
  expect(msToNs(1_795_466_231_382)).toBe(1_795_466_231_382_000_000n);
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 4_000_000_000_000_000_000n }), (ns) => {
      expect(parseGoTime(goTime(ns))).toBe(ns);
    }),
  );
  // A Go process writes the time of its machine's zone.
  expect(parseGoTime("2026-11-23T21:37:11.382255181+01:00")).toBe(1_795_466_231_382_255_181n);
  expect(parseGoTime("2026-11-23T15:07:11-05:30")).toBe(1_795_466_231_000_000_000n);
  for (const bad of [
    "",
    "2026-11-23",
    "2026-11-23T20:37:11+01",
    "2026-13-23T20:37:11Z",
    "2026-11-23T20:37:11.1234567890Z",
  ])
    expect(() => parseGoTime(bad)).toThrow(expect.objectContaining({ code: "REDIS_BAD_VALUE" }));
});
