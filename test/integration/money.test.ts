import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { RelayRequest } from "../../src/chain/proto/service.ts";
import { loadMinerConfig } from "../../src/runtime/config/miner.ts";
import { type Miner, startMiner } from "../../src/runtime/miner/main.ts";
import { openRedis } from "../../src/runtime/redis/connect.ts";
import { redisKeys } from "../../src/runtime/redis/keys.ts";
import { openSessions } from "../../src/runtime/redis/sessions.ts";
import { type Network, quiet, startNetwork } from "../kit/network.ts";

describe.each([
  ["without a proof", 0, "settled_unproven", "probabilistic_proved"],
  ["with a proof", 1, "settled_proven", "proved"],
] as const)("a session that settles %s", (_, proofProbability, outcome, state) => {
  let network: Network;
  let miner: Miner;

  beforeAll(async () => {
    network = await startNetwork("eager", { proofProbability });
    const file = join(dirname(network.keysFile), "miner.yaml");
    writeFileSync(
      file,
      `
redis: { url: "${network.redis.url}" }
pocket_node: { query_node_rpc_url: "${network.devnet.rpcUrl}", chain_id: kit }
keys: { keys_file: "${network.keysFile}" }
metrics: { enabled: false }
`,
    );
    miner = await startMiner({
      config: loadMinerConfig(file).config,
      version: "test",
      logger: quiet,
      clock: systemClock,
    });
  });

  afterAll(async () => {
    await miner.close();
    await network.close();
  });

  test("relays that were answered are leaves, claimed and paid with the right amounts", async () => {
    const header = await network.header();
    const answered = 25;
    for (let id = 0; id < answered; id++) {
      const request = network.sign(header, JSON.stringify({ id }));
      const response = await fetch(network.url, {
        method: "POST",
        body: Buffer.from(RelayRequest.encode(request)),
      });
      expect(response.status).toBe(200);
    }
    const redis = await openRedis({ url: network.redis.url, logger: quiet, role: "test" });
    const keys = redisKeys(network.namespace);
    const sessions = openSessions({
      redis: redis.commands,
      keys,
      clock: systemClock,
      keepTerminalMs: 60_000,
    });
    let record = await sessions.load(network.supplier.address, header.sessionId);
    for (let attempt = 0; attempt < 300 && record?.settlementOutcome === undefined; attempt++) {
      await sleep(100);
      record = await sessions.load(network.supplier.address, header.sessionId);
    }
    await redis.close();
    expect(record).toMatchObject({
      relayCount: BigInt(answered),
      computeUnits: BigInt(answered * 7),
      // 25 relays of 7 compute units at 42 upokt each
      settlementClaimed: 7_350n,
      settlementPaid: 7_350n,
      settlementSlashed: 0n,
      settlementOutcome: outcome,
      state,
    });
    expect(record?.settlementOutcome).toMatch(/^settled_/);
    expect(record?.state).toBe(
      record?.settlementOutcome === "settled_proven" ? "proved" : "probabilistic_proved",
    );
  }, 60_000);
});
