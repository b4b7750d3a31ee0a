import { expect, test } from "vitest";
import { fitLine, lengthOf, line, spread } from "./line.ts";
import { bar, bytes, clean, count, cutMiddle, decimal, duration, pokt, sparkline, UNKNOWN } from "./text.ts";

test("what is unknown is a dash, never zero", () => {
  for (const shown of [
    count(undefined),
    decimal(undefined),
    duration(undefined),
    bytes(undefined),
    pokt(undefined),
  ])
    expect(shown).toBe(UNKNOWN);
});

test("numbers are grouped, amounts take at most twelve columns", () => {
  expect(count(48_211n)).toBe("48 211");
  expect(count(1_234_567)).toBe("1 234 567");
  expect(pokt(0n)).toBe("0.00 POKT");
  expect(pokt(4_200n)).toBe("4200 upokt");
  expect(pokt(41_200_000n)).toBe("41.20 POKT");
  expect(pokt(126_420_000n)).toBe("126.4 POKT");
  expect(pokt(12_345_000_000n)).toBe("12.3k POKT");
  for (let amount = 1n; amount < 10n ** 13n; amount = amount * 7n + 3n)
    expect(pokt(amount).length).toBeLessThanOrEqual(12);
});

test("durations take the largest unit that fits", () => {
  expect([800, 12_000, 240_000, 10_800_000, 200_000_000].map(duration)).toEqual([
    "0.8 s",
    "12 s",
    "4 min",
    "3 h",
    "2 d",
  ]);
});

test("an address is cut in the middle; short on room its common prefix goes", () => {
  const address = "pokt1mrqt5f7qh8uxs27cjm9t7v9e74a9vvdnq5jva4";
  expect(cutMiddle(address, 43)).toBe(address);
  expect(cutMiddle(address, 13)).toBe("pokt1m…q5jva4");
  expect(cutMiddle(address, 7)).toBe("mrq…va4");
  for (let width = 1; width < 50; width++)
    expect(cutMiddle(address, width).length).toBeLessThanOrEqual(width);
});

test("what comes from Redis cannot steer the terminal or break the columns", () => {
  expect(clean("a\u001b[2Jb\u0007c\u9b31d\ud83d\ude00e\u200bf")).toBe("a?[2Jb?c?d??e?f");
  expect(clean("● ▲ ✖ ○ ✔ … ▰▱ ▁█ — ·")).toBe("● ▲ ✖ ○ ✔ … ▰▱ ▁█ — ·");
});

test("bars and sparklines", () => {
  expect(bar(0.5, 4)).toBe("▰▰▱▱");
  expect(bar(7, 4)).toBe("▰▰▰▰");
  expect(sparkline([0, 5, 10], 10)).toBe("▁▄█");
  expect(sparkline([0, 0], 10)).toBe("▁▁");
});

test("a fitted line has exactly its width", () => {
  const long = line("abcdef", { text: "ghijkl", tone: "ok" }, "mnop");
  for (let width = 1; width < 30; width++) expect(lengthOf(fitLine(long, width))).toBe(width);
  expect(fitLine(long, 8).map(({ text }) => text)).toEqual(["abcdef", "g…"]);
  expect(fitLine(long, 6).map(({ text }) => text)).toEqual(["abcde…"]);
  for (let width = 20; width < 60; width++)
    expect(lengthOf(spread(long, line("right side here"), width))).toBeLessThanOrEqual(width);
});
