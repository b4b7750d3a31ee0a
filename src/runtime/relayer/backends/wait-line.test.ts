import { expect, test } from "vitest";
import { systemClock } from "../../../base/clock.ts";
import { Presence } from "../presence.ts";
import { Reject } from "../rejects.ts";
import { WaitLine } from "./wait-line.ts";

const lineOf = (places: number, patienceMs = 10_000) =>
  new WaitLine<string>({ clock: systemClock, places, patienceMs });
const saturated = (message: string) =>
  expect.objectContaining({ code: "backend_saturated", message: expect.stringContaining(message) });

test("whoever came first is served first, and the line has an end", async () => {
  const line = lineOf(2);
  const [first, second] = [line.wait(new Presence()), line.wait(new Presence())];
  expect(line.isFull).toBe(true);
  expect(() => line.wait(new Presence())).toThrow(saturated("full"));
  line.give("a");
  line.give("b");
  expect(await Promise.all([first, second])).toEqual(["a", "b"]);
  expect(line.length).toBe(0);
});

test("whose time is up leaves, and is not given anything afterwards", async () => {
  const line = lineOf(2, 20);
  const late = line.wait(new Presence());
  await expect(late).rejects.toEqual(saturated("in time"));
  expect(line.length).toBe(0);
  const next = line.wait(new Presence());
  line.give("a");
  expect(await next).toBe("a");
});

test("whose client goes away leaves at once; one who goes after his turn takes nothing with him", async () => {
  const line = lineOf(2);
  const [leaving, served] = [new Presence(), new Presence()];
  const [gone, kept] = [line.wait(leaving), line.wait(served)];
  leaving.leave();
  await expect(gone).rejects.toEqual(expect.objectContaining({ code: "client_gone" }));
  line.give("a");
  served.leave();
  expect(await kept).toBe("a");
  await expect(line.wait(leaving)).rejects.toEqual(expect.objectContaining({ code: "client_gone" }));
  expect(line.length).toBe(0);
});

test("all can be sent away", async () => {
  const line = lineOf(2);
  const waiting = [line.wait(new Presence()), line.wait(new Presence())];
  line.refuseAll(() => new Reject("backend_down"));
  for (const one of waiting)
    await expect(one).rejects.toEqual(expect.objectContaining({ code: "backend_down" }));
  expect(line.length).toBe(0);
});
