import { describe, expect, test } from "vitest";
import { LineBatches } from "./lines.ts";

const MAX = 2_048;

/** Batches of a body that comes in the given pieces, and what is left at its end. */
function batchesOf(pieces: readonly (string | Buffer)[], maxLineBytes = MAX) {
  const batches: Buffer[] = [];
  const lines = new LineBatches({ maxLineBytes, emit: (batch) => batches.push(batch) });
  for (const piece of pieces) lines.add(Buffer.from(piece));
  return { batches, lines, all: () => Buffer.concat([...batches, lines.rest()]) };
}

const line = (index: number) => `data: ${index}\n`;
const text = (buffers: readonly Buffer[]) => buffers.map(String);

test("a batch is full with a hundred lines, and with as many as make a hundred kilobytes", () => {
  const many = Array.from({ length: 250 }, (_, index) => line(index)).join("");
  const { batches, lines } = batchesOf([many]);
  expect(batches.map((batch) => String(batch).split("\n").length - 1)).toEqual([100, 100]);
  expect(String(lines.rest()).split("\n").length - 1).toBe(50);
  const long = `${"x".repeat(30_000)}\n`;
  expect(batchesOf([long.repeat(5)], 262_144).batches.map(({ length }) => length)).toEqual([120_004]);
});

test("lines wait for their batch, one that has not ended waits for its end, and a last one gets it", () => {
  const { lines, batches } = batchesOf(["one\ntw"]);
  expect(lines.waiting).toBe(true);
  lines.flush();
  expect(text(batches)).toEqual(["one\n"]);
  expect(lines.waiting).toBe(false);
  lines.flush();
  expect(text(batches)).toEqual(["one\n"]);
  expect(String(lines.rest())).toBe("tw\n");
  expect(String(batchesOf([]).all())).toBe("");
  expect(String(batchesOf(["\n\n"]).all())).toBe("\n\n");
});

test.each([
  ["in one piece", ["a\r\nb\r\n\r\nc\r\r\nd\re\r"]],
  ["byte by byte", [..."a\r\nb\r\n\r\nc\r\r\nd\re\r"]],
])("one \\r before the end of a line is left out, %s", (_, pieces) => {
  expect(String(batchesOf(pieces).all())).toBe("a\nb\n\nc\r\nd\re\n");
});

test("characters of several bytes stay whole wherever a piece ends", () => {
  const body = Buffer.from("data: grüße 🚀 漢字\n\n");
  const pieces = [...body].map((byte) => Buffer.of(byte));
  expect(batchesOf(pieces).all()).toEqual(body);
});

describe("a line that is longer than lines may be", () => {
  test("is passed on in pieces before its end is there, after the lines before it", () => {
    const { batches, lines } = batchesOf(["short\n", "x".repeat(5_000), "\nnext\n"]);
    expect(batches.map(({ length }) => length)).toEqual([6, MAX, MAX]);
    expect(String(lines.rest())).toBe(`${"x".repeat(5_000 - 2 * MAX)}\nnext\n`);
  });

  test("keeps its end when that is all that is left of it", () => {
    expect(String(batchesOf([`${"x".repeat(MAX)}`, "y"]).all())).toBe(`${"x".repeat(MAX)}y\n`);
    // A \r at the end of a piece is the line's end or a part of it, as what follows tells.
    expect(String(batchesOf([`${"x".repeat(MAX - 1)}\r`, "\nz"]).all())).toBe(`${"x".repeat(MAX - 1)}\nz\n`);
    expect(String(batchesOf([`${"x".repeat(MAX - 1)}\r`, "y\n"]).all())).toBe(`${"x".repeat(MAX - 1)}\ry\n`);
  });
});

test("whatever comes, however it is cut: every line, in order, and nothing else", () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % below;
  };
  const bytes = ["\n", "\r", "\r\n", "x", "é", "||POKT_STREAM||"];
  for (let round = 0; round < 300; round++) {
    let body = "";
    while (body.length < random(9_000)) body += (bytes[random(6)] ?? "").repeat(random(9) === 0 ? 1_500 : 1);
    const whole = Buffer.from(body);
    const pieces: Buffer[] = [];
    for (let at = 0; at < whole.length; ) {
      const size = 1 + random(700);
      pieces.push(whole.subarray(at, at + size));
      at += size;
    }
    const lines = body.split("\n").map((one) => one.replace(/\r$/, ""));
    // What is behind the last \n is a line if there is anything.
    if (body.endsWith("\n") || body === "") lines.pop();
    expect(String(batchesOf(pieces).all()) === lines.map((one) => `${one}\n`).join("")).toBe(true);
  }
});
