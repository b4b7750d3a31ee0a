import fc from "fast-check";
import { expect, test } from "vitest";
import type { PreparedRing } from "../../../chain/protocol/ring/prepare.ts";
import { MAX_RINGS, RingIds, RingsById } from "./ring-ids.ts";

const rings = Array.from({ length: 10 }, (): PreparedRing => ({ members: [], maxSignatureMembers: 2 }));

test("a ring is sent once, under a number of its own", () => {
  const ids = new RingIds();
  const [first, second] = rings.map((ring) => ids.of(ring, "a"));
  expect([first?.isNew, second?.isNew]).toEqual([true, true]);
  expect(first?.numbered.id).not.toBe(second?.numbered.id);
  const again = rings.slice(0, 2).map((ring) => ids.of(ring, "a"));
  expect(again.map(({ isNew }) => isNew)).toEqual([false, false]);
  expect(again.map(({ numbered }) => numbered.id)).toEqual([first?.numbered.id, second?.numbered.id]);
});

test("a ring that the worker does not have, or that is another application's, is sent again", () => {
  const ids = new RingIds();
  const [ring] = rings;
  if (ring === undefined) throw new Error("no ring");
  const before = ids.of(ring, "a").numbered.id;
  ids.forget(ring);
  expect(ids.of(ring, "a")).toMatchObject({ isNew: true });
  const other = ids.of(ring, "b");
  expect(other).toMatchObject({ isNew: true, numbered: { account: "b" } });
  expect(other.numbered.id).not.toBe(before);
});

test("with the same room both halves forget the same rings: what one sends without its ring, the other knows", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(9), { maxLength: 100, size: "max" }),
      fc.integer({ min: 1, max: 6 }),
      (uses, room) => {
        const [ids, held] = [new RingIds(room), new RingsById(room)];
        for (const use of uses) {
          const ring = rings[use];
          if (ring === undefined) continue;
          const { numbered, isNew } = ids.of(ring, "a");
          if (isNew) held.add(numbered);
          expect(held.get(numbered.id)?.ring).toBe(ring);
        }
      },
    ),
  );
});

test("both halves are bounded", () => {
  const [ids, held] = [new RingIds(), new RingsById()];
  const first: PreparedRing = { members: [], maxSignatureMembers: 0 };
  held.add(ids.of(first, "a").numbered);
  for (let more = 0; more < MAX_RINGS; more++)
    held.add(ids.of({ members: [], maxSignatureMembers: 0 }, "a").numbered);
  expect(ids.of(first, "a").isNew).toBe(true);
  expect(held.get(0)).toBeUndefined();
});
