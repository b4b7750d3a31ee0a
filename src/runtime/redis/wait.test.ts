import { expect, test } from "vitest";
import { manualClock } from "../../../test/kit/manual-clock.ts";
import { recorder } from "../../../test/kit/redis-fleet.ts";
import { AppError } from "../../base/errors.ts";
import { whileAway } from "./wait.ts";

const away = () =>
  new AppError("REDIS_UNREACHABLE", "cannot reach Redis at x", {}, new Error("ECONNREFUSED"));

/** Tries that all fail until `opens` is set, a second apart. */
function waiting(forMs: number, failure: () => Error = away) {
  const clock = manualClock();
  const logger = recorder();
  const state: { tries: number; opens: boolean } = { tries: 0, opens: false };
  const stop = new AbortController();
  const opened = whileAway(
    async () => {
      state.tries += 1;
      return state.opens ? "open" : Promise.reject(failure());
    },
    {
      wait: { forMs, setting: "relay.redis_wait", signal: stop.signal },
      redis: "x",
      clock,
      logger,
      pauseMs: () => 1_000,
    },
  );
  opened.catch(() => undefined);
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      await new Promise(setImmediate);
      clock.advance(1_000);
    }
    await new Promise(setImmediate);
  };
  return { opened, logger, state, pass, stop };
}

test("while Redis is away it is tried again and again, and the log says so at once and every ten seconds", async () => {
  const { opened, logger, state, pass } = waiting(600_000);
  await pass(25);
  expect(state.tries).toBe(26);
  expect(logger.lines.map(({ fields }) => fields["waitedSeconds"])).toEqual([0, 10, 20]);
  expect(logger.lines[1]).toEqual({
    level: "warn",
    message: "not ready: the start waits for Redis",
    fields: {
      redis: "x",
      error: "cannot reach Redis at x: ECONNREFUSED",
      waitedSeconds: 10,
      secondsLeft: 590,
      setting: "relay.redis_wait",
    },
  });
  state.opens = true;
  await pass(1);
  expect(await opened).toBe("open");
  expect(logger.lines.at(-1)).toMatchObject({ level: "info", fields: { redis: "x", waitedSeconds: 26 } });
});

test("the wait has an end, and its error names the setting; 0 is no wait", async () => {
  const { opened, state, pass } = waiting(3_000);
  await pass(10);
  await expect(opened).rejects.toMatchObject({
    code: "REDIS_UNREACHABLE",
    message: "cannot reach Redis at x, after 3 s of waiting (relay.redis_wait)",
    cause: { message: "ECONNREFUSED" },
  });
  expect(state.tries).toBe(4);
  await expect(waiting(0).opened).rejects.toMatchObject({ message: "cannot reach Redis at x" });
});

test("what no waiting mends is thrown at once", async () => {
  const { opened, logger, state } = waiting(600_000, () => new AppError("REDIS_REFUSED", "WRONGPASS"));
  await expect(opened).rejects.toMatchObject({ code: "REDIS_REFUSED" });
  expect([state.tries, logger.lines]).toEqual([1, []]);
});

test("whoever does not want to wait any more is heard", async () => {
  const { opened, state, pass, stop } = waiting(600_000);
  await pass(2);
  stop.abort();
  await pass(1);
  await expect(opened).rejects.toMatchObject({ code: "REDIS_UNREACHABLE" });
  expect(state.tries).toBe(3);
});
