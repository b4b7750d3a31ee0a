import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EMPTY, fromHex, toHex, utf8 } from "../../base/bytes.ts";
import { Application } from "./application.ts";
import { Coin, Timestamp } from "./cosmos.ts";
import { PoktHttpRequest, PoktHttpResponse } from "./http-envelope.ts";
import { QUERIES } from "./queries.ts";
import { RelayMiningDifficulty, RelayRequest, RelayResponse } from "./service.ts";
import { SessionHeader } from "./session.ts";
import { TokenomicsParams } from "./tokenomics.ts";
import { TxBody } from "./tx.ts";
import { embedded, int64, message, string } from "./wire.ts";
import { readText, textBytes } from "./wire-text.ts";

const BAD_PROTO = expect.objectContaining({ code: "BAD_PROTO" });
type Pair = { readonly number: bigint; readonly text: string };
const Pair = message<Pair>("test.Pair", { number: int64(1), text: string(2) });
const Lenient = message<Pair>("test.Pair", { number: int64(1), text: string(2) }, "google");
const hexOf = (pair: Partial<Pair>): string => toHex(Pair.encode(Pair.create(pair)));

describe("writing", () => {
  test("leaves zeros out and goes by field number, not by declared order", () => {
    const Backwards = message<Pair>("test.Backwards", { text: string(2), number: int64(1) });
    expect(hexOf({})).toBe("");
    expect(toHex(Backwards.encode({ text: "a", number: 1n }))).toBe("0801120161");
  });

  test.each([
    [0n, ""],
    [127n, "087f"],
    [128n, "088001"],
    [2n ** 31n, "088080808008"],
    [2n ** 32n - 1n, "08ffffffff0f"],
    [2n ** 32n, "088080808010"],
    [2n ** 53n, "088080808080808010"],
    [2n ** 63n - 1n, "08ffffffffffffffff7f"],
    [-1n, "08ffffffffffffffffff01"],
    [-(2n ** 63n), "0880808080808080808001"],
  ])("int64 %s", (number, hex) => {
    expect(hexOf({ number })).toBe(hex);
    expect(Pair.decode(fromHex(hex)).number).toBe(number);
  });

  test("lengths of messages around the steps of a varint", () => {
    for (const length of [0, 1, 127, 128, 16_383, 16_384, 70_000, 3_000_000]) {
      const payload = new Uint8Array(length).fill(7);
      const request = RelayRequest.create({ payload });
      const inside = QUERIES.simulate.request.encode({ txBytes: RelayRequest.encode(request) });
      expect(RelayRequest.decode(QUERIES.simulate.request.decode(inside).txBytes).payload).toHaveLength(
        length,
      );
      const text = "x".repeat(length);
      expect(Pair.decode(Pair.encode({ number: 1n, text })).text).toBe(text);
    }
  });

  test("what Go holds by value is always there, a pointer only if it is set", () => {
    expect(toHex(RelayRequest.encode(RelayRequest.create()))).toBe("0a00");
    const meta = { sessionHeader: SessionHeader.create(), signature: EMPTY, supplierOperatorAddress: "" };
    expect(toHex(RelayRequest.encode(RelayRequest.create({ meta })))).toBe("0a020a00");
    expect(toHex(TokenomicsParams.encode(TokenomicsParams.create()))).toBe("0a004200");
    expect(toHex(Coin.encode({ denom: "upokt", amount: "" }))).toBe("0a0575706f6b74120130");
  });

  test("a payload hash that is empty is not written, but counts as set once it was read", () => {
    const response = RelayResponse.create({ payloadHash: EMPTY });
    expect(toHex(RelayResponse.encode(response))).toBe("0a00");
    expect(RelayResponse.decode(fromHex("0a002200")).payloadHash).toEqual(EMPTY);
    expect(RelayResponse.decode(fromHex("0a00")).payloadHash).toBeUndefined();
  });

  test("one of several filters, also an empty one", () => {
    const { request } = QUERIES.allClaims;
    expect(toHex(request.encode(request.create({ sessionId: "" })))).toBe("1a00");
    const both = request.decode(fromHex("120161 1a0162".replaceAll(" ", "")));
    expect(both).toMatchObject({ supplierOperatorAddress: undefined, sessionId: "b" });
  });

  test("maps by their keys", () => {
    const list = (gateway: string) => ({ gatewayAddresses: [gateway] });
    const pendingUndelegations = new Map([
      [300n, list("c")],
      [0n, { gatewayAddresses: [] }],
      [20n, list("b")],
    ]);
    const bytes = Application.encode(Application.create({ pendingUndelegations }));
    expect(toHex(bytes)).toBe(["2a0408001200", "2a0708141203120162", "2a0808ac021203120163"].join(""));
    expect(Application.decode(bytes).pendingUndelegations).toEqual(pendingUndelegations);
  });

  test("header names by their bytes, not by their code units", () => {
    const header = new Map(["\u{1F600}", "\uFFFD", "a"].map((key) => [key, { key: "", values: [] }]));
    const bytes = PoktHttpResponse.encode({ statusCode: 0, header, bodyBz: EMPTY });
    expect([...PoktHttpResponse.decode(bytes).header.keys()]).toEqual(["a", "\uFFFD", "\u{1F600}"]);
  });

  test("one message after another does not disturb those before", () => {
    const first = Pair.encode({ number: 1n, text: "first" });
    const copy = first.slice();
    Pair.encode({ number: 2n, text: "second" });
    expect(first).toEqual(copy);
  });
});

describe("reading as gogoproto", () => {
  test.each([
    ["an unknown field of every wire type", "1805 190102030405060708 1a0161 1d01020304"],
    ["a group with groups inside", "1b 0801 23 24 1c"],
    ["a group that ends with another number", "1b 0801 24"],
    ["a field number of zero inside a group", "1b 0001 1c"],
    ["a long varint as a tag", "9880808000 05"],
  ])("skips %s", (_, hex) => {
    const bytes = fromHex(`0807${hex.replaceAll(" ", "")}120178`);
    expect(Pair.decode(bytes)).toEqual({ number: 7n, text: "x" });
  });

  test.each([
    ["a group that does not end", "1b 0801"],
    ["the end of a group that did not begin", "1c"],
    ["field number zero", "0001"],
    ["a wrong wire type", "0a0161"],
    ["an unknown wire type", "1e"],
    ["a length past the end", "120261"],
    ["a length of 64 bits", "12ffffffffffffffffff01"],
    ["a varint of 11 bytes", "08ffffffffffffffffffff01"],
    ["a tag cut short", "88"],
    ["a fixed value cut short", "1d010203"],
  ])("refuses %s", (_, hex) => {
    expect(() => Pair.decode(fromHex(hex.replaceAll(" ", "")))).toThrow(BAD_PROTO);
  });

  test("refuses what runs past the end of the message inside, not only of the whole", () => {
    expect(() => RelayRequest.decode(fromHex("0a021a0561616161"))).toThrow(BAD_PROTO);
  });

  test("keeps 64 bits of a varint and 32 of a field number", () => {
    expect(Pair.decode(fromHex("08ffffffffffffffffff7f")).number).toBe(-1n);
    // Field number 2^32 + 1 is field 1 to Go.
    expect(Pair.decode(fromHex("888080808001 09".replaceAll(" ", ""))).number).toBe(9n);
    expect(Timestamp.decode(fromHex("10ffffffffffffffffff01")).nanos).toBe(-1);
    expect(toHex(Timestamp.encode({ seconds: 0n, nanos: -1 }))).toBe("10ffffffffffffffffff01");
  });

  test("merges a message that comes twice and takes the last of two scalars", () => {
    const merged = RelayRequest.decode(fromHex("0a050a030a0161" + "0a050a03120162"));
    expect(merged.meta.sessionHeader).toMatchObject({ applicationAddress: "a", serviceId: "b" });
    expect(Pair.decode(fromHex("08010802")).number).toBe(2n);
  });

  test("does not share what it made between messages", () => {
    const left = RelayRequest.decode(fromHex("0a050a030a0161"));
    const right = RelayRequest.create();
    expect(right.meta.sessionHeader).toBeUndefined();
    expect(left.meta).not.toBe(right.meta);
    const body = TxBody.decode(fromHex("0a00"));
    expect(body.messages).toHaveLength(1);
    expect(TxBody.create().messages).toEqual([]);
  });

  test("gives views of the bytes it was given, at any offset", () => {
    const whole = new Uint8Array([9, 9, 0x22, 2, 5, 6, 9]);
    const read = RelayMiningDifficulty.decode(whole.subarray(2, 6));
    expect(read.targetHash).toEqual(Uint8Array.of(5, 6));
    expect(read.targetHash.buffer).toBe(whole.buffer);
    expect(RelayMiningDifficulty.decode(Buffer.from(whole.subarray(2, 6))).targetHash.constructor).toBe(
      Uint8Array,
    );
  });
});

describe("text", () => {
  test("of any bytes comes back as the same bytes", () => {
    const pieces = fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      fc.string({ unit: "binary", maxLength: 6 }).map(utf8),
      fc.constantFrom("eda080", "f4908080", "c080", "e282", "efbfbd", "efbbbf").map(fromHex),
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 4 }), (parts) => {
        const bytes = Buffer.concat(parts);
        expect(toHex(textBytes(readText(bytes, 0, bytes.length)))).toBe(toHex(bytes));
        const pair = Pair.decode(Uint8Array.of(0x12, bytes.length, ...bytes));
        expect(toHex(Pair.encode(pair))).toBe(
          bytes.length === 0 ? "" : toHex(Uint8Array.of(0x12, bytes.length, ...bytes)),
        );
      }),
    );
  });

  test("a lone surrogate that stands for no byte becomes the replacement character", () => {
    expect(toHex(textBytes("a\uD800"))).toBe("61efbfbd");
  });
});

describe("reading as protobuf-go", () => {
  test("skips a known field of another wire type", () => {
    expect(Lenient.decode(fromHex("0a0161 1005 0807".replaceAll(" ", "")))).toEqual({ number: 7n, text: "" });
    expect(PoktHttpRequest.decode(fromHex("1005")).header.size).toBe(0);
  });

  test.each([
    ["text that is not UTF-8", "1201ff"],
    ["a varint above 64 bits", "08ffffffffffffffffff02"],
    ["a field number above 29 bits", "8080808010 05"],
    ["a group that ends with another number", "1b 0801 24"],
    ["a field number of zero inside a group", "1b 0001 1c"],
    ["a length past the end", "120261"],
  ])("refuses %s", (_, hex) => {
    expect(() => Lenient.decode(fromHex(hex.replaceAll(" ", "")))).toThrow(BAD_PROTO);
  });

  test("refuses to write text that is not UTF-8", () => {
    expect(() => Lenient.encode({ number: 0n, text: "a\uDCFF" })).toThrow(BAD_PROTO);
    expect(toHex(Pair.encode({ number: 0n, text: "a\uDCFF" }))).toBe("120261ff");
  });
});

test("a codec that message() did not make has no fields to embed", () => {
  expect(() => embedded(1, { ...Pair })).toThrow(TypeError);
});
