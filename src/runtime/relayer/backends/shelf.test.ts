import { expect, test } from "vitest";
import { Shelf } from "./shelf.ts";

test("what is the same is opened once, and closed when nobody has it any more", async () => {
  const events: string[] = [];
  const shelf = new Shelf<string>();
  const take = (name: string) =>
    shelf.take(name, (owned) => {
      events.push(`open ${name}`);
      owned.own({ close: () => void events.push(`close ${name}`) });
      return name;
    });
  expect([take("a"), take("b"), take("a")]).toEqual(["a", "b", "a"]);
  await shelf.leave("a");
  await shelf.leave("b");
  await shelf.leave("never taken");
  expect(events).toEqual(["open a", "open b", "close b"]);
  await shelf.leave("a");
  expect(shelf.size).toBe(0);
  take("a");
  expect(events.slice(3)).toEqual(["close a", "open a"]);
});
