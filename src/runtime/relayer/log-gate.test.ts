import { expect, test } from "vitest";
import type { Logger } from "../../base/logger.ts";
import { gated } from "./log-gate.ts";

test("a warning is given once a second, for each message and reason, and says how many were left out", () => {
  const lines: unknown[] = [];
  const write: Logger["warn"] = (fields, message) => void lines.push([message, fields]);
  const time = { now: 0 };
  const clock = {
    now: () => 0,
    monotonic: () => time.now,
    sleep: async () => undefined,
    after: () => () => undefined,
  };
  const logger = gated({ debug: write, info: write, warn: write, error: write }, clock);
  for (let index = 0; index < 5; index++) logger.warn({ reason: "a", index }, "refused");
  logger.warn({ reason: "b" }, "refused");
  logger.debug({}, "always");
  time.now = 1_000;
  logger.warn({ reason: "a", index: 5 }, "refused");
  expect(lines).toEqual([
    ["refused", { reason: "a", index: 0 }],
    ["refused", { reason: "b" }],
    ["always", {}],
    ["refused", { reason: "a", index: 5, leftOut: 4 }],
  ]);
});
