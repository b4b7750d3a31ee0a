import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { watchBlocks } from "../../src/chain/node/block-stream.ts";
import { openChainClient } from "../../src/chain/node/client.ts";
import { startDevnet } from "../../src/devnet/main.ts";
import { openLogger } from "../../src/runtime/ops/logger.ts";

const GENESIS = "chain_id: restart\nseed: restart\nblock_time_ms: 200\n";

test("a node that goes away and comes back ends nothing: the same stream goes on, told by the real logger", async () => {
  const logger = openLogger({ level: "warn", format: "json", name: "test" });
  const first = await startDevnet({ genesis: GENESIS });
  const rpcPort = Number(new URL(first.rpcUrl).port);
  const urls = [first.rpcUrl];
  const client = openChainClient({ urls, timeoutMs: 1_000, logger, clock: systemClock });
  const blocks = watchBlocks({ client, urls, clock: systemClock, logger });
  const until = async (condition: () => boolean) => {
    for (let attempt = 0; attempt < 200 && !condition(); attempt++) await sleep(50);
    expect(condition()).toBe(true);
  };
  await until(() => blocks.health().subscribed && blocks.health().latestHeight >= 2n);
  await first.close();
  await until(() => !blocks.health().subscribed);
  const before = blocks.health().latestHeight;
  const second = await startDevnet({ genesis: GENESIS, rpcPort });
  await until(() => blocks.health().subscribed && blocks.health().latestHeight > before);
  await blocks.close();
  await client.close();
  await second.close();
});
