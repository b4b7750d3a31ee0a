import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, EMPTY, toHex, utf8 } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import { compactClosestProof } from "./compact.ts";
import { decodeClosestProof, encodeClosestProof } from "./gob.ts";
import { GobReader } from "./gob-reader.ts";
import { GobWriter } from "./gob-writer.ts";
import { sha256 } from "./hash.ts";
import { Trie } from "./trie.ts";

const trie = new Trie({ get: () => undefined });
for (let index = 0; index < 50; index++) trie.update(sha256(utf8(`${index}`)), utf8(`relay-${index}`), 5n);
const proof = trie.proveClosest(sha256(utf8("path")));
const good = encodeClosestProof(proof);

const gobOf = (write: (writer: GobWriter) => void): Uint8Array => {
  const writer = new GobWriter();
  write(writer);
  return writer.finish();
};

describe("primitives", () => {
  test.each([
    [0, "00"],
    [127, "7f"],
    [128, "ff80"],
    [256, "fe0100"],
    [65_536, "fd010000"],
  ])("uint %i", (value, hex) => {
    expect(toHex(gobOf((writer) => writer.uint(value)))).toBe(hex);
    expect(new GobReader(gobOf((writer) => writer.uint(value))).uint()).toBe(value);
  });

  test.each([
    [0, "00"],
    [1, "02"],
    [-1, "01"],
    [64, "ff80"],
    [-64, "7f"],
    [-65, "ff81"],
  ])("int %i", (value, hex) => {
    expect(toHex(gobOf((writer) => writer.int(value)))).toBe(hex);
    expect(new GobReader(gobOf((writer) => writer.int(value))).int()).toBe(value);
  });

  test("an integer of more than eight bytes is refused", () => {
    expect(() => new GobReader(Uint8Array.of(0xf7, 1, 2, 3, 4, 5, 6, 7, 8, 9)).uint()).toThrow(
      "out of range",
    );
  });
});

/** Types under numbers of another process, fields in another order, and some that we do not know of every kind. */
function foreign(value: (writer: GobWriter) => void, depthType = 5): Uint8Array {
  const named = (writer: GobWriter, name: string, type: number) =>
    writer.struct([() => writer.text(name), () => writer.int(type)]);
  const struct = (writer: GobWriter, id: number, fields: readonly (readonly [string, number])[]) =>
    writer.message(-id, (body) => {
      const definition = () =>
        body.struct([
          () => named(body, "Other", id),
          () => body.list(fields, (list, [name, type]) => named(list, name, type)),
        ]);
      body.struct([undefined, undefined, definition]);
    });
  const slice = (writer: GobWriter, id: number, element: number) =>
    writer.message(-id, (body) => {
      const definition = () => body.struct([() => named(body, "list", id), () => body.int(element)]);
      body.struct([undefined, definition]);
    });
  const map = (writer: GobWriter, id: number) =>
    writer.message(-id, (body) => {
      const definition = () =>
        body.struct([() => named(body, "map", id), () => body.int(6), () => body.int(70)]);
      body.struct([undefined, undefined, undefined, definition]);
    });
  return gobOf((writer) => {
    struct(writer, 90, [
      ["Unknown", 91],
      ["Depth", depthType],
      ["Path", 5],
      ["FlippedBits", 70],
      ["ClosestProof", 80],
    ]);
    map(writer, 91);
    slice(writer, 70, 5);
    struct(writer, 80, [
      ["Complex", 7],
      ["NumSideNodes", 2],
      ["Nested", 80],
    ]);
    writer.message(90, value);
  });
}

describe("proofs of other processes", () => {
  test("types are taken from the stream, fields by name, unknown ones passed over", () => {
    const list = (writer: GobWriter) =>
      writer.list([utf8("x"), utf8("y")], (inner, item) => inner.bytes(item));
    const bytes = foreign((writer) => {
      writer.struct([
        () => {
          writer.uint(1).text("key");
          list(writer);
        },
        () => writer.bytes(Uint8Array.of(3)),
        () => writer.bytes(utf8("path")),
        () => list(writer),
        () =>
          writer.struct([
            () => writer.uint(1).uint(2),
            () => writer.int(-7),
            () => writer.struct([undefined, () => writer.int(9)]),
          ]),
      ]);
    });
    expect(decodeClosestProof(bytes)).toEqual({
      path: utf8("path"),
      flippedBits: [utf8("x"), utf8("y")],
      depth: Uint8Array.of(3),
      closestPath: EMPTY,
      closestValueHash: EMPTY,
      closestProof: {
        sideNodes: [],
        nonMembershipLeafData: EMPTY,
        bitMask: EMPTY,
        numSideNodes: -7,
        siblingData: EMPTY,
      },
    });
  });

  test("a known name of another type is refused, sent or not", () => {
    const wrong = foreign((writer) => writer.struct([]), 2);
    expect(() => decodeClosestProof(wrong)).toThrow("wrong type for received field Depth");
    expect(decodeClosestProof(foreign((writer) => writer.struct([]))).closestProof).toBeUndefined();
  });
});

describe("malformed streams", () => {
  const refused = (bytes: Uint8Array) => {
    try {
      decodeClosestProof(bytes);
      return false;
    } catch (thrown) {
      if (thrown instanceof AppError && thrown.code === "SMST_BAD_GOB") return true;
      throw thrown;
    }
  };

  test("every cut is refused, bytes behind the proof are ignored", () => {
    for (let length = 0; length < good.length; length++) expect(refused(good.subarray(0, length))).toBe(true);
    expect(decodeClosestProof(concatBytes(good, utf8("more")))).toEqual(compactClosestProof(proof));
  });

  test("changed and random bytes give a proof or an ordinary error", () => {
    const change = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
        const bytes = new Uint8Array(good);
        for (const [at, byte] of changes) bytes[at] = byte;
        refused(bytes);
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        refused(bytes);
      }),
    );
  });

  test("a number of elements beyond all bytes ends at once", () => {
    const huge = foreign((writer) =>
      writer
        .uint(4)
        .uint(2 ** 40)
        .uint(0),
    );
    expect(refused(huge)).toBe(true);
  });
});
