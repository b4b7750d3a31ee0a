import { expect, test } from "vitest";
import { PoktHttpResponse } from "../../../chain/proto/http-envelope.ts";
import { DELIMITER, framesOf } from "./frames.ts";

const envelope = (bodyBz: Uint8Array) =>
  PoktHttpResponse.encode({ statusCode: 200, header: new Map(), bodyBz });

/** What a reader has who splits at the delimiter and looks no further. */
function split(frames: readonly Buffer[]): Uint8Array[] {
  let left = Buffer.concat(frames);
  const messages: Uint8Array[] = [];
  for (let at = left.indexOf(DELIMITER); at !== -1; at = left.indexOf(DELIMITER)) {
    messages.push(left.subarray(0, at));
    left = left.subarray(at + DELIMITER.length);
  }
  expect(left).toHaveLength(0);
  return messages;
}

const bodies = (frames: readonly Buffer[]) =>
  split(frames).map((message) => Buffer.from(PoktHttpResponse.decode(message).bodyBz));

test("a batch is one message with the delimiter behind it", () => {
  const frames = framesOf(Buffer.from("a\nb\n"), envelope);
  expect(frames).toHaveLength(1);
  expect(String(frames[0]?.subarray(-15))).toBe("||POKT_STREAM||");
  expect(bodies(frames).map(String)).toEqual(["a\nb\n"]);
});

test.each([
  ["alone", "||POKT_STREAM||"],
  ["in a line", "before ||POKT_STREAM|| after\n"],
  ["several times", "a||POKT_STREAM||b||POKT_STREAM||c\n"],
  ["overlapping itself", "||POKT_STREAM||POKT_STREAM||POKT_STREAM||\n"],
  ["at both ends", "||POKT_STREAM||\n||POKT_STREAM||"],
  ["in front of a part of one", "||POKT_STREAM||POKT_STREAM|"],
  ["with more of its characters around", "||||POKT_STREAM||||\n"],
])(
  "a delimiter that is a part of the stream, %s, is cut so that a plain splitter has whole messages",
  (_, body) => {
    const frames = framesOf(Buffer.from(body), envelope);
    expect(frames.length).toBeGreaterThan(1);
    expect(Buffer.concat(bodies(frames)).toString()).toBe(body);
  },
);

test("a delimiter that a length makes together with the body is cut, too", () => {
  // 124 is "|".
  const body = Buffer.from("|POKT_STREAM||".padEnd(124, "x"));
  expect(Buffer.from(envelope(body)).includes(DELIMITER)).toBe(true);
  const frames = framesOf(body, envelope);
  expect(frames).toHaveLength(2);
  expect(Buffer.concat(bodies(frames))).toEqual(body);
});

test("a delimiter that a signature or hash happens to make leads to another cut", () => {
  const tails: string[] = [];
  const signed = (body: Uint8Array) => {
    // The whole body's signature contains one; another's ends with what the delimiter begins with.
    const tail = body.length === 40 ? "..||POKT_STREAM||.." : body.length === 20 ? "||POKT_STREAM" : "....";
    tails.push(tail);
    return Buffer.concat([envelope(body), Buffer.from(tail)]);
  };
  const frames = framesOf(Buffer.alloc(40, "x"), signed);
  expect(tails).toContain("||POKT_STREAM");
  expect(split(frames).map(({ length }) => length)).toEqual([10, 10, 10, 10].map((bytes) => bytes + 5 + 4));
});

test("who sends nothing but delimiters costs a bounded number of signatures", () => {
  let signatures = 0;
  const body = Buffer.from("||POKT_STREAM||".repeat(7_000));
  const frames = framesOf(body, (part) => {
    signatures += 1;
    return envelope(part);
  });
  expect(signatures).toBe(101);
  const parts = frames.map((frame) => Buffer.from(PoktHttpResponse.decode(frame.subarray(0, -15)).bodyBz));
  expect(Buffer.concat(parts)).toEqual(body);
});
