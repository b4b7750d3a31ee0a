import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { supplier } from "../../src/chain/node/queries.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { loadMinerConfig } from "../../src/runtime/config/miner.ts";
import { type Miner, startMiner } from "../../src/runtime/miner/main.ts";
import { openRedis } from "../../src/runtime/redis/connect.ts";
import { redisKeys } from "../../src/runtime/redis/keys.ts";
import { openSessions } from "../../src/runtime/redis/sessions.ts";
import { type LossyNode, lossyNode } from "../kit/lossy-node.ts";
import { type Network, quiet, startNetwork } from "../kit/network.ts";
import { post, until } from "../kit/post.ts";
import { freshHeader } from "../kit/session-steps.ts";

/** 25 relays of 7 compute units at 42 upokt each. */
const ANSWERED = 25;
const WORTH = 7_350n;
const STAYS = "stays";
const LEAVES = "unstakes";
const LOST = "its first transactions are lost";
const CHANGES = "the network's params change";
const CLAIM = "/pocket.proof.MsgCreateClaim";
const PROOF = "/pocket.proof.MsgSubmitProof";

const CHANGED = {
  shared: {
    compute_units_to_tokens_multiplier: 84_000_000,
    num_blocks_per_session: 12,
    grace_period_end_offset_blocks: 2,
    claim_window_open_offset_blocks: 2,
    claim_window_close_offset_blocks: 5,
    proof_window_close_offset_blocks: 5,
  },
  session: { num_suppliers_per_session: 3 },
  proof: { proof_request_probability: 1, proof_missing_penalty: 3_000_000 },
  application: { min_stake: 2 },
  supplier: { min_stake: 2 },
  gateway: { min_stake: 2 },
  service: { add_service_fee: 2 },
  tokenomics: { global_inflation_per_claim: 0.2 },
};
/** Of as many relays in a session that begins with the changed params, of 11 compute units at 84 upokt each. */
const WORTH_CHANGED = 23_100n;

// Who unstakes in a session is claimed and proved for all the same; the chain pays only whose service is active when it settles (chain 8).
describe.concurrent.each([
  ["without a proof is paid", STAYS, 0, "settled_unproven", "probabilistic_proved", WORTH],
  ["with a proof is paid", STAYS, 1, "settled_proven", "proved", WORTH],
  ["whose first claim and first proof a node loses is paid", LOST, 1, "settled_proven", "proved", WORTH],
  ["with params that change in it is paid as it began", CHANGES, 0, "settled_proven", "proved", WORTH],
  ["of a supplier that unstakes is proved to its end", LEAVES, 1, "discarded", "proved", 0n],
] as const)("a session %s", (_, fate, proofProbability, settlementOutcome, state, paid) => {
  let network: Network;
  let node: LossyNode;
  let miner: Miner;

  beforeAll(async () => {
    // Each loss costs two blocks of a window of four; a busy machine needs time to see them.
    const blockTimeMs = fate === LOST ? 600 : 300;
    network = await startNetwork("eager", { proofProbability, blockTimeMs, queryTimeoutSeconds: 10 });
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

  /** What the operator is told of a session that was settled. */
  const settled = async ({ sessionId }: SessionHeader) => {
    const redis = await openRedis({ url: network.redis.url, logger: quiet, role: "test" });
    const keys = redisKeys(network.namespace);
    const sessions = openSessions({
      redis: redis.commands,
      keys,
      clock: systemClock,
      keepTerminalMs: 60_000,
    });
    const load = () => sessions.load(network.supplier.address, sessionId);
    const record = await until(load, (known) => known?.settlementOutcome !== undefined, 50_000);
    await redis.close();
    return record;
  };

  const serve = async (header: SessionHeader, inMidst?: () => Promise<unknown>) => {
    for (let id = 0; id < ANSWERED; id++) {
      if (id === 10) await inMidst?.();
      expect((await post(network, network.sign(header, JSON.stringify({ id })))).status).toBe(200);
    }
  };

  const serveNext = async ({ sessionEndBlockHeight: end }: SessionHeader) => {
    const next = await until(network.header, ({ sessionStartBlockHeight: start }) => start > end, 30_000);
    expect(next.sessionEndBlockHeight - next.sessionStartBlockHeight).toBe(11n);
    await serve(next);
    return next;
  };

  const unstake = () => network.devnet.control("unstake", { kind: "supplier", name: "supplier" });
  /** Of each module something, and the service's weight. */
  const changeParams = async () => {
    const changes = Object.entries(CHANGED).map(([module, params]) => ({ module, params }));
    await Promise.all(changes.map((change) => network.devnet.control("set-params", change)));
    await network.devnet.control("set-cupr", { service: "kit-svc", compute_units_per_relay: 11 });
  };

  test("relays that were answered are leaves, claimed, and settled with the right amounts", async () => {
    const header = await freshHeader(network);
    await serve(header, { [LEAVES]: unstake, [CHANGES]: changeParams }[fate as string]);
    const later = fate === CHANGES ? serveNext(header) : undefined;
    const record = await settled(header);
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
    const next = await later;
    if (next !== undefined)
      expect(await settled(next)).toMatchObject({ settlementPaid: WORTH_CHANGED, settlementOutcome, state });
  }, 60_000);
});
