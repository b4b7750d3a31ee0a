import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import type { Clock } from "../../../base/clock.ts";
import { Reject } from "../rejects.ts";
import { Bodies, readBody } from "./body.ts";

const [LIMIT, ROOM] = [1_000, 2_500];

function world() {
  const time = { now: 0 };
  const bodies = new Bodies(LIMIT, ROOM, { monotonic: () => time.now } as Clock);
  const open = () => {
    const [body, request] = [bodies.hold(), new PassThrough()];
    const read = readBody(request, undefined, body).then(
      () => "whole",
      (thrown: unknown) => (thrown instanceof Reject ? thrown.code : thrown),
    );
    return { body, request, read };
  };
  /** One that sends nearly all, and then nothing. */
  const trickle = () => {
    const one = open();
    one.request.write(Buffer.alloc(900));
    return one;
  };
  return { time, open, trickle };
}

test("bodies that have been coming for long make room for others, the oldest first; those that are whole do not", async () => {
  const { time, open, trickle } = world();
  const whole = open();
  whole.request.end(Buffer.alloc(600));
  expect(await whole.read).toBe("whole");
  const [first, second] = [trickle(), trickle()];
  await new Promise(setImmediate);
  time.now = 2_001;
  const other = open();
  other.request.end(Buffer.alloc(700));
  expect(await other.read).toBe("whole");
  expect(await first.read).toBe("overloaded");
  expect([whole.body.size, first.body.size, second.body.size, other.body.size]).toEqual([600, 0, 900, 700]);
  second.request.end();
  expect(await second.read).toBe("whole");
});

test("while all that is coming has just begun, it is the newest that is refused", async () => {
  const { time, open, trickle } = world();
  const [first, second] = [trickle(), trickle()];
  await new Promise(setImmediate);
  time.now = 1_999;
  const other = open();
  other.request.end(Buffer.alloc(900));
  expect(await other.read).toBe("overloaded");
  for (const one of [first, second]) {
    one.request.end();
    expect(await one.read).toBe("whole");
  }
});
