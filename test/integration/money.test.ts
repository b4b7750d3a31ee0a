import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { supplier } from "../../src/chain/node/queries.ts";
import { RelayRequest } from "../../src/chain/proto/service.ts";
import { loadMinerConfig } from "../../src/runtime/config/miner.ts";
import { type Miner, startMiner } from "../../src/runtime/miner/main.ts";
import { openRedis } from "../../src/runtime/redis/connect.ts";
import { redisKeys } from "../../src/runtime/redis/keys.ts";
import { openSessions } from "../../src/runtime/redis/sessions.ts";
import { type LossyNode, lossyNode } from "../kit/lossy-node.ts";
import { type Network, quiet, startNetwork } from "../kit/network.ts";

/** 25 relays of 7 compute units at 42 upokt each. */
const ANSWERED = 25;
const WORTH = 7_350n;
const STAYS = "stays";
const LEAVES = "unstakes";
const LOST = "its first transactions are lost";
const CLAIM = "/pocket.proof.MsgCreateClaim";
const PROOF = "/pocket.proof.MsgSubmitProof";

// Who unstakes in a session is claimed and proved for all the same; the chain pays only whose service is active when it settles (chain 8).
describe.concurrent.each([
  ["without a proof is paid", STAYS, 0, "settled_unproven", "probabilistic_proved", WORTH],
  ["with a proof is paid", STAYS, 1, "settled_proven", "proved", WORTH],
  ["whose first claim and first proof a node loses is paid", LOST, 1, "settled_proven", "proved", WORTH],
  ["of a supplier that unstakes is proved to its end", LEAVES, 1, "discarded", "proved", 0n],
] as const)("a session %s", (_, fate, proofProbability, settlementOutcome, state, paid) => {
  let network: Network;
  let node: LossyNode;
  let miner: Miner;

  beforeAll(async () => {
    // Each loss costs two blocks of a window of four; a busy machine needs time to see them.
    const blockTimeMs = fate === LOST ? 600 : 300;
    network = await startNetwork("eager", { proofProbability, blockTimeMs });
    node = await lossyNode(network.devnet.rpcUrl, fate === LOST ? [CLAIM, PROOF] : []);
    const file = join(dirname(network.keysFile), "miner.yaml");
    writeFileSync(
      file,
      `
redis: { url: "${network.redis.url}" }
pocket_node: { query_node_rpc_url: "${fate === LOST ? node.url : network.devnet.rpcUrl}", chain_id: kit }
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
    await node.close();
    await network.close();
  });

  test("relays that were answered are leaves, claimed, and settled with the right amounts", async () => {
    const header = await network.header();
    for (let id = 0; id < ANSWERED; id++) {
      if (fate === LEAVES && id === 10)
        await network.devnet.control("unstake", { kind: "supplier", name: "supplier" });
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
    for (let attempt = 0; attempt < 400 && record?.settlementOutcome === undefined; attempt++) {
      await sleep(100);
      record = await sessions.load(network.supplier.address, header.sessionId);
    }
    await redis.close();
    if (fate === LOST) expect(node.lost).toEqual([CLAIM, PROOF]);
    if (fate === LEAVES) {
      const { unstakeSessionEndHeight } = await supplier(network.chain, network.supplier.address);
      expect(unstakeSessionEndHeight).toBe(header.sessionEndBlockHeight);
    }
    expect(record).toMatchObject({
      relayCount: BigInt(ANSWERED),
      computeUnits: BigInt(ANSWERED * 7),
      settlementClaimed: paid,
      settlementPaid: paid,
      settlementSlashed: 0n,
      settlementOutcome,
      state,
    });
  }, 60_000);
});
