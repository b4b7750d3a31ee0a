import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
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
  await expect.poll(() => blocks.health().subscribed && blocks.health().latestHeight >= 2n).toBe(true);
  await first.close();
  await expect.poll(() => !blocks.health().subscribed).toBe(true);
  const before = blocks.health().latestHeight;
  const second = await startDevnet({ genesis: GENESIS, rpcPort });
  await expect.poll(() => blocks.health().subscribed && blocks.health().latestHeight > before).toBe(true);
  await blocks.close();
  await client.close();
  await second.close();
});

test("a block made while the node was being subscribed to is known once it is", async () => {
  const logger = openLogger({ level: "error", format: "json", name: "test" });
  const devnet = await startDevnet({ genesis: GENESIS, manual: true });
  const events = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(events, "listening");
  const asked = once(events, "connection").then(async ([socket]: WebSocket[]) => {
    await once(socket as WebSocket, "message");
    return socket as WebSocket;
  });
  const client = openChainClient({
    urls: [devnet.rpcUrl],
    timeoutMs: 10_000,
    logger,
    clock: systemClock,
  });
  const urls = [`http://127.0.0.1:${(events.address() as AddressInfo).port}`];
  const blocks = watchBlocks({ client, urls, clock: systemClock, logger, pollMs: 3_600_000 });
  await expect.poll(() => blocks.latest() !== undefined).toBe(true);
  const socket = await asked;
  await devnet.step();
  const before = blocks.health().latestHeight;
  socket.send(JSON.stringify({ jsonrpc: "2.0", id: 1, result: {} }));
  await expect.poll(() => blocks.health().latestHeight === before + 1n).toBe(true);
  await blocks.close();
  await client.close();
  events.close();
  await devnet.close();
});
