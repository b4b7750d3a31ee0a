import { AppError } from "../../src/base/errors.ts";
import type { RedisClient } from "../../src/runtime/redis/client.ts";
import type { RedisConnections } from "../../src/runtime/redis/connect.ts";
import type { ScriptedChain } from "./scripted-chain.ts";

/**
 * What happens to a process at one of its steps, a command to Redis or a call of the chain:
 * - "unsent": the step fails and nothing was done; "lost": it was done, and fails,
 * - "dead": the process ends before the step; "done": right after it,
 * - "asleep": the process stands still before the step until `wake`, and knows nothing of it.
 */
export const FAULTS = ["unsent", "lost", "dead", "done", "asleep"] as const;
export type Fault = {
  readonly at: number;
  readonly how: (typeof FAULTS)[number];
  /** Heights that one asleep sleeps through; with 0 it wakes as its heir begins. */
  readonly sleeps?: number;
};

export type Process = {
  readonly state: "works" | "dead" | "asleep";
  /** Steps so far. */
  readonly steps: number;
  /** Resolves when the process has died or stands still. */
  readonly gone: Promise<"gone">;
  wake(): void;
  /** Counts steps from here on. */
  begin(): void;
  readonly redis: RedisConnections;
  readonly chain: ScriptedChain;
};

const never = () => new Promise<never>(() => {});
const AWAY = { redis: "REDIS_UNREACHABLE", chain: "CHAIN_UNREACHABLE" } as const;

/** A process's ways to Redis and chain, with one fault in them. A dead one's steps never end, as nothing of it goes on. */
export function faultyProcess(redis: RedisConnections, chain: ScriptedChain, fault?: Fault): Process {
  let leave = () => {};
  const gone = new Promise<"gone">((resolve) => {
    leave = () => resolve("gone");
  });
  let wake = () => {};
  const awake = new Promise<void>((resolve) => {
    wake = resolve;
  });
  let steps = 0;
  let begun = false;
  let state: Process["state"] = "works";
  const step = async <T>(to: keyof typeof AWAY, run: () => Promise<T>): Promise<T> => {
    const away = new AppError(AWAY[to], "scripted to be away");
    if (state === "dead") return never();
    if (state === "asleep") await awake;
    if (!begun || steps++ !== fault?.at) return run();
    if (fault.how === "unsent") throw away;
    if (fault.how === "asleep") {
      state = "asleep";
      leave();
      await awake;
      return run();
    }
    if (fault.how === "lost") {
      await run();
      throw away;
    }
    state = "dead";
    if (fault.how === "done") await run();
    leave();
    return never();
  };
  const through = (client: RedisClient): RedisClient => ({
    send: (...args) => step("redis", () => client.send(...args)),
    run: (...args) => step("redis", () => client.run(...args)),
  });
  const client = Object.fromEntries(
    Object.entries(chain.client).map(([name, call]) => [
      name,
      (...args: never[]) => step("chain", () => (call as (...given: never[]) => Promise<unknown>)(...args)),
    ]),
  );
  return {
    get state() {
      return state;
    },
    get steps() {
      return steps;
    },
    gone,
    wake: () => {
      if (state === "asleep") state = "works";
      wake();
    },
    begin: () => {
      begun = true;
    },
    redis: {
      ...redis,
      commands: through(redis.commands),
      openBlocking: async (purpose) => through(await redis.openBlocking(purpose)),
    },
    chain: new Proxy(chain, {
      get: (target, name) => (name === "client" ? client : Reflect.get(target, name, target)),
      set: (target, name, value) => Reflect.set(target, name, value, target),
    }),
  };
}
