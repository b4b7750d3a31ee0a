import { afterEach, expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { AppError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { type BlockStream, type HeightSource, watchBlocks } from "./block-stream.ts";
import { BlockTime } from "./block-time.ts";
import { abciRefusal, rpcRefusal } from "./rpc-error.ts";
import type { Block, ChainClient } from "./types.ts";

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** A chain whose stored and executed heights the test moves; `lowest` is the oldest block it still has. */
class FakeChain {
  stored = 100n;
  executed = 100n;
  lowest = 1n;
  state: "up" | "down" = "up";
  blockMs = 100;
  asked: bigint[] = [];
  polls = 0;

  readonly client: ChainClient = {
    status: async () => {
      this.polls += 1;
      this.#up();
      return { chainId: "pocket", latestHeight: this.stored, latestTimeMs: 0, catchingUp: false };
    },
    block: async (height = this.stored): Promise<Block> => {
      this.#up();
      this.asked.push(height);
      const refused = (data: string) => rpcRefusal({ code: -32603, message: "Internal error", data }, {});
      if (height > this.stored)
        throw refused(
          `height ${height} must be less than or equal to the current blockchain height ${this.stored}`,
        );
      if (height < this.lowest)
        throw refused(`height ${height} is not available, lowest height is ${this.lowest}`);
      return { height, hash: new Uint8Array(32), timeMs: Number(height) * this.blockMs };
    },
    query: async (query, _, height = 0n) => {
      this.#up();
      if (height > this.executed) throw abciRefusal({ code: 26, codespace: "sdk", log: "future" }, {});
      return query.response.create();
    },
    blockResults: () => Promise.reject(new Error("not asked")),
    broadcast: () => Promise.reject(new Error("not asked")),
    tx: () => Promise.reject(new Error("not asked")),
    simulate: () => Promise.reject(new Error("not asked")),
    close: async () => {},
  };

  move(height: bigint): void {
    this.stored = this.executed = height;
  }

  #up(): void {
    if (this.state === "down") throw new AppError("CHAIN_UNREACHABLE", "down");
  }
}

const until = async (done: () => boolean) => {
  while (!done()) await systemClock.sleep(3);
};

function watch(
  chain: FakeChain,
  more: { external?: HeightSource; urls?: readonly string[]; pollMs?: number } = {},
) {
  const logged: string[] = [];
  const log = (_: unknown, message: string) => void logged.push(message);
  const logger: Logger = { debug: () => {}, info: log, warn: log, error: log };
  const stream = watchBlocks({
    client: chain.client,
    urls: [],
    clock: systemClock,
    logger,
    pollMs: 5,
    ...more,
  });
  const seen: bigint[] = [];
  stream.onBlock(({ height }) => seen.push(height));
  open.push(() => stream.close());
  return { stream, seen, logged, at: (height: bigint) => until(() => stream.latest()?.height === height) };
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => BigInt(from + index));

test("begins with the newest block and fills every gap in order", async () => {
  const chain = new FakeChain();
  const { seen, at } = watch(chain);
  await at(100n);
  chain.move(101n);
  await at(101n);
  chain.move(150n);
  await at(150n);
  expect(seen).toEqual(range(100, 150));
});

test("waits for the state of a block that is only stored", async () => {
  const chain = new FakeChain();
  const { seen, at, stream } = watch(chain);
  await at(100n);
  chain.stored = 103n;
  await at(102n); // a stored successor proves that the state of those before it is committed
  await systemClock.sleep(60);
  expect(stream.latest()?.height).toBe(102n);
  chain.executed = 103n;
  await at(103n);
  expect(seen).toEqual(range(100, 103));
});

test("goes on after the node was away, and skips what it has thrown away", async () => {
  const chain = new FakeChain();
  const { seen, at, logged } = watch(chain);
  await at(100n);
  chain.state = "down";
  await systemClock.sleep(30);
  chain.move(110n);
  chain.lowest = 105n;
  chain.state = "up";
  await at(110n);
  expect(seen).toEqual([100n, ...range(105, 110)]);
  expect(logged.filter((message) => message.includes("skipped"))).toHaveLength(4);
});

test("a gap of more than a thousand blocks is cut", async () => {
  const chain = new FakeChain();
  const { seen, at } = watch(chain);
  await at(100n);
  chain.move(1_500n);
  await at(1_500n);
  expect(seen).toEqual([100n, ...range(501, 1_500)]);
});

test("an external source is believed, but not when it is far ahead of the chain", async () => {
  const chain = new FakeChain();
  let tell: (event: { height: bigint }) => void = () => {};
  const external: HeightSource = {
    subscribe: (listener) => {
      tell = listener;
      return () => {};
    },
  };
  const { at, stream } = watch(chain, { external, pollMs: 60_000 });
  await at(100n);
  chain.move(101n);
  tell({ height: 101n });
  await at(101n);
  chain.asked = [];
  tell({ height: 10_000_000n });
  tell({ height: 99n });
  await systemClock.sleep(20);
  expect(chain.asked).toEqual([]);
  expect(stream.latest()?.height).toBe(101n);
});

test("while nothing but polling tells of blocks, each is seen at the next poll, however long blocks take", async () => {
  const chain = new FakeChain();
  chain.blockMs = 60_000;
  const { at, seen } = watch(chain);
  for (let height = 100n; height <= 105n; height++) {
    chain.move(height);
    await at(height);
  }
  expect(seen).toEqual([100n, 101n, 102n, 103n, 104n, 105n]);
});

test("polling stays away while another source tells of each block, and is back when that one only repeats itself", {
  timeout: 20_000,
}, async () => {
  const chain = new FakeChain();
  // Polling is back after one and a half of them.
  chain.blockMs = 2_500;
  let tell: (event: { height: bigint }) => void = () => {};
  const { at } = watch(chain, {
    external: {
      subscribe: (listener) => {
        tell = listener;
        return () => {};
      },
    },
  });
  await at(100n);
  chain.move(101n);
  tell({ height: 101n });
  await at(101n);
  await systemClock.sleep(20);
  const before = chain.polls;
  await systemClock.sleep(150);
  expect(chain.polls).toBe(before);
  chain.move(102n);
  const old = setInterval(() => tell({ height: 101n }), 20);
  await at(102n);
  clearInterval(old);
  expect(chain.polls).toBeGreaterThan(before);
});

test("a node that went back is told once and never makes the stream go back", async () => {
  const chain = new FakeChain();
  const { seen, at, logged } = watch(chain);
  await at(100n);
  chain.move(50n);
  await until(() => logged.some((message) => message.includes("went back")));
  chain.move(101n);
  await at(101n);
  expect(seen).toEqual([100n, 101n]);
  expect(logged.filter((message) => message.includes("went back"))).toHaveLength(1);
});

test("a listener that throws is logged and harms nobody", async () => {
  const chain = new FakeChain();
  const { stream, seen, at, logged } = watch(chain);
  stream.onBlock(() => {
    throw new Error("mine");
  });
  await at(100n);
  chain.move(101n);
  await at(101n);
  expect(seen).toEqual([100n, 101n]);
  expect(logged).toContain("a listener of blocks failed");
});

test("closing ends everything, also before the first block", async () => {
  const chain = new FakeChain();
  chain.state = "down";
  const stream: BlockStream = watchBlocks({
    client: chain.client,
    urls: ["http://127.0.0.1:1"],
    clock: systemClock,
    logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
  });
  await stream.close();
  expect(stream.latest()).toBeUndefined();
});

test("the block time follows header times", () => {
  const time = new BlockTime();
  const add = (height: number, timeMs: number) =>
    time.add({ height: BigInt(height), hash: new Uint8Array(), timeMs });
  expect(time.ms).toBe(1_000);
  add(1, 0);
  add(3, 12_000);
  expect(time.ms).toBe(6_000);
  add(4, 22_000);
  expect(time.ms).toBeCloseTo(7_200);
});
