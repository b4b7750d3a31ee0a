import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { loadMinerConfig } from "../../src/runtime/config/miner.ts";
import { type Miner, startMiner } from "../../src/runtime/miner/main.ts";
import { openRedis } from "../../src/runtime/redis/connect.ts";
import { redisKeys } from "../../src/runtime/redis/keys.ts";
import { openSessions } from "../../src/runtime/redis/sessions.ts";
import { type Network, quiet, startNetwork } from "../kit/network.ts";
import { until } from "../kit/post.ts";
import { freshHeader } from "../kit/session-steps.ts";
import { openStream } from "../kit/stream-reader.ts";

let network: Network;
let miner: Miner;

beforeAll(async () => {
  network = await startNetwork("eager", {
    proofProbability: 1,
    // Room for all streams of the test in one session.
    blockTimeMs: 400,
    queryTimeoutSeconds: 10,
    service: { streaming: { enabled: true } },
  });
  const file = join(dirname(network.keysFile), "miner.yaml");
  const settings = {
    redis: { url: network.redis.url },
    pocket_node: { query_node_rpc_url: network.devnet.rpcUrl, chain_id: "kit" },
    keys: { keys_file: network.keysFile },
    metrics: { enabled: false },
  };
  writeFileSync(file, JSON.stringify(settings));
  const { config } = loadMinerConfig(file);
  miner = await startMiner({ config, version: "test", logger: quiet, clock: systemClock });
});

afterAll(async () => {
  await miner.close();
  await network.close();
});

test("streams are leaves that the chain takes a proof of and pays; those that broke off are none", async () => {
  let asked = 0;
  network.setBackend((_, response) => {
    const fails = ++asked % 4 === 0;
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (let event = 0; event < 150; event++) response.write(`data: ${asked} ${event}\n\n`);
    if (fails) setTimeout(() => response.destroy(), 300);
    else response.end();
  });
  const header = await freshHeader(network);
  const streams = 16;
  const reads = Array.from(
    { length: streams },
    (_, id) => openStream(network, network.sign(header, JSON.stringify({ id }))).done,
  );
  const whole = (await Promise.all(reads)).filter((one) => one.whole);
  expect(whole).toHaveLength(12);

  const redis = await openRedis({ url: network.redis.url, logger: quiet, role: "test" });
  const keys = redisKeys(network.namespace);
  const sessions = openSessions({ redis: redis.commands, keys, clock: systemClock, keepTerminalMs: 60_000 });
  const record = await until(
    () => sessions.load(network.supplier.address, header.sessionId),
    (found) => found?.settlementOutcome !== undefined,
    40_000,
  );
  await redis.close();
  expect(record).toMatchObject({
    relayCount: 12n,
    computeUnits: 84n,
    // 12 streams of 7 compute units at 42 upokt each
    settlementPaid: 3_528n,
    settlementSlashed: 0n,
    settlementOutcome: "settled_proven",
    state: "proved",
  });
}, 60_000);
