import { expect, test } from "vitest";
import { byObject } from "./by-object.ts";

test("what was made for an object is kept, undefined as well, and another object has its own", () => {
  let made = 0;
  const nameOf = byObject(({ name }: { readonly name?: string }) => {
    made += 1;
    return name;
  });
  const [one, nameless] = [{ name: "a" }, {}];
  expect([nameOf(one), nameOf(one), nameOf(nameless), nameOf(nameless)]).toEqual([
    "a",
    "a",
    undefined,
    undefined,
  ]);
  expect(nameOf({ name: "a" })).toBe("a");
  expect(made).toBe(3);
});
