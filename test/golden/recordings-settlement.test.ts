import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Logger } from "../../src/base/logger.ts";
import type { ChainEvent } from "../../src/chain/node/types.ts";
import { outcomeOf, settlementOf } from "../../src/runtime/miner/settle.ts";
import type { SessionRecord } from "../../src/runtime/redis/session-record.ts";
import { OWN_RECORDINGS_DIR } from "../kit/vectors.ts";

const APP = "pokt1mrqt5f7qh8uxs27cjm9t7v9e74a9vvdnq5jva4";
const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function recorded(name: string): { height: bigint; events: ChainEvent[] } {
  const text = readFileSync(`${OWN_RECORDINGS_DIR}/cometbft/block_results_claims_${name}.json`, "utf8");
  const { response } = JSON.parse(text);
  const result = (response.body ?? response).result;
  return { height: BigInt(result.height), events: result.finalize_block_events };
}

const session = (over: Partial<SessionRecord>): SessionRecord => ({
  sessionId: "",
  supplier: "",
  serviceId: "develop-http",
  application: APP,
  startHeight: 1n,
  endHeight: 0n,
  state: "proving",
  relayCount: 0n,
  computeUnits: 0n,
  createdAt: 0n,
  updatedAt: 0n,
  ...over,
});

const find = (name: string, over: Partial<SessionRecord>) => {
  const { height, events } = recorded(name);
  return settlementOf(session(over), height, events, quiet);
};

test("a settled claim is found by its session and supplier, with what was paid", () => {
  const found = find("settled", {
    sessionId: "80b70af2f8b2b60b77273592a8d1d4dccdd41182296a2227dda8c2dc88df383e",
    supplier: "pokt19a3t4yunp0dlpfjrp7qwnzwlrzd5fzs2gjaaaj",
    endHeight: 80n,
  });
  expect(found).toMatchObject({
    outcome: "settled_proven",
    height: 98n,
    relays: 100n,
    claimed: 10_000_000n,
    paid: 10_000_000n,
  });
});

test("an application's budget cuts what is paid, not what was claimed", () => {
  const found = find("settled_overserviced", {
    sessionId: "301750bee2911764e7ec74c9d5cee61cbde7fa893dd6e7548f26d812537fb11d",
    supplier: "pokt1zfc6y3dxz9cqe56ykd300f9yze67lauuup5uy9",
    endHeight: 760n,
  });
  expect(found).toMatchObject({ outcome: "settled_unproven", claimed: 1_050_000_000n, paid: 74_930_316n });
  expect(found && outcomeOf(found)).toMatchObject({ settlementHeight: 770n, settlementPaid: 74_930_316n });
});

test("an expired claim has no session id: it is matched by who, what and when, and its slash with it", () => {
  const found = find("expired_slashed", {
    sessionId: "5f915117434d25322367b9fbafb9fdd4de3e3a23a66fdce6d40139e9ec759c80",
    supplier: "pokt1garffmur6cyv040x52sa2k90rvzcn52huypp8s",
    endHeight: 420n,
  });
  expect(found).toMatchObject({
    outcome: "expired",
    claimed: 500_000n,
    paid: 0n,
    slashed: 200_000n,
    why: "PROOF_MISSING",
  });
});

test("a discarded claim is told with the chain's reason", () => {
  const found = find("discarded_and_zero", {
    application: "pokt1lqyu4v88vp8tzc86eaqr4lq8rwhssyn6rfwzex",
    serviceId: "develop-stream",
    supplier: "pokt1j6dun0x8eyq5mmsmq83zs3c2utt85q8478c89u",
    endHeight: 1024n,
  });
  expect(found?.outcome).toBe("discarded");
  expect(found?.why).toContain("Claim will be discarded");
});

test("another session, supplier or end height is not ours", () => {
  const ours = {
    sessionId: "5f915117434d25322367b9fbafb9fdd4de3e3a23a66fdce6d40139e9ec759c80",
    supplier: "pokt1garffmur6cyv040x52sa2k90rvzcn52huypp8s",
    endHeight: 420n,
  };
  expect(find("expired_slashed", { ...ours, endHeight: 410n })).toBeUndefined();
  expect(find("expired_slashed", { ...ours, supplier: APP })).toBeUndefined();
  expect(find("settled", { ...ours, sessionId: "00" })).toBeUndefined();
});
