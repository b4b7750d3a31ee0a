import { expect, test } from "vitest";
import { byName } from "./by-name.ts";

test("what was made is kept, undefined as well, but not for long names nor for any number of them", () => {
  let made = 0;
  const lower = byName((name) => {
    made += 1;
    return name === "none" ? undefined : name.toLowerCase();
  });
  expect([lower("A"), lower("A"), lower("none"), lower("none")]).toEqual(["a", "a", undefined, undefined]);
  expect(made).toBe(2);
  const long = "X".repeat(65);
  expect([lower(long), lower(long)]).toEqual([long.toLowerCase(), long.toLowerCase()]);
  expect(made).toBe(4);
  for (let index = 0; index < 1_000; index++) lower(`name-${index}`);
  made = 0;
  lower("A");
  expect(made).toBe(1);
});
