import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import type { ChainEvent } from "../../src/chain/node/types.ts";
import { type Claim, MsgCreateClaim, ProofValidationStatus } from "../../src/chain/proto/proof.ts";
import { proofPath } from "../../src/chain/protocol/proof-path.ts";
import type { SupplierWorker } from "../../src/runtime/miner/worker.ts";
import type { SessionIdentity, SessionState } from "../../src/runtime/redis/session-record.ts";
import { decodeClosestProof } from "../../src/smst/gob.ts";
import { verifyClosestProof } from "../../src/smst/verify.ts";
import {
  announce,
  type MinerWorld,
  mined,
  minerWorld,
  numbers,
  SUPPLIER,
  sessionOf,
  total,
} from "../kit/miner-world.ts";
import { type TestRedis, testRedis } from "../kit/redis-fleet.ts";
import { PARAMS, PROOF_URL, ScriptedChain, seedHash, timeoutOf } from "../kit/scripted-chain.ts";

let own: TestRedis;
let chain: ScriptedChain;
let world: MinerWorld;
let worker: SupplierWorker;
let session: SessionIdentity;

beforeAll(async () => {
  own = await testRedis();
});
afterAll(() => own.close());
beforeEach(async () => {
  await own.redis.commands.send("FLUSHALL");
  own.logger.lines.length = 0;
  chain = new ScriptedChain();
  world = await minerWorld({ own, chain });
  session = announce(chain, sessionOf("a"));
  worker = await world.begin();
});

async function served(count = 5, of = session, by = worker): Promise<void> {
  await world.publish(of, ...numbers(count));
  await world.consume(by);
}

/** To the claim on chain at height 23. */
async function claimed(): Promise<Uint8Array> {
  await served();
  chain.onBroadcast = (sent) => {
    chain.include(sent);
    return {};
  };
  await world.look(worker, 22n);
  await world.look(worker, 23n);
  expect(await world.state(session)).toBe("claimed");
  return chain.claims.get(session.sessionId)?.rootHash ?? new Uint8Array();
}

/** Looks at a height, and resolves once the claim has found relays in the stream that it waits for. */
async function lookAndWait(height: bigint): Promise<{ readonly looking: Promise<void> }> {
  const { lag } = world.reader;
  let found = 0;
  Object.assign(world.reader, {
    lag: async (supplier: string) => {
      const answer = await lag(supplier);
      found += answer.length;
      return answer;
    },
  });
  const looking = world.look(worker, height);
  await expect.poll(() => found, { interval: 5 }).toBeGreaterThan(0);
  return { looking };
}

function setClaim(parts: Partial<Claim>, of = session): void {
  const claim = chain.claims.get(of.sessionId);
  if (!claim) throw new Error("no claim on chain");
  chain.claims.set(of.sessionId, { ...claim, ...parts });
}

const seen = (level: string) =>
  own.logger.lines.filter((line) => line.level === level).map(({ message }) => message);

const event = (type: string, attributes: Readonly<Record<string, string>>): ChainEvent => ({
  type: `pocket.tokenomics.${type}`,
  attributes: Object.entries(attributes).map(([key, value]) => ({ key, value })),
});

const quoted = (of: SessionIdentity) => ({
  supplier_operator_address: `"${SUPPLIER}"`,
  application_address: `"${of.application}"`,
  service_id: `"${of.serviceId}"`,
  session_end_block_height: `"${of.endHeight}"`,
});

const settledEvent = (status: number, settled = 400n, of = session) =>
  event("EventClaimSettled", {
    ...quoted(of),
    session_id: `"${of.sessionId}"`,
    claim_proof_status_int: String(status),
    num_relays: '"5"',
    claimed_upokt: '"500upokt"',
    settled_upokt: `"${settled}upokt"`,
  });

/** The chain settles in block 31, and forgets the claim. */
function settleWith(...events: ChainEvent[]): void {
  chain.claims.clear();
  chain.events.set(31n, events);
}

function headerOf({ sessionHeader }: Claim) {
  if (sessionHeader === undefined) throw new Error("no header");
  return sessionHeader;
}

const trieIsThere = async (of = session) => (await world.store(of).nodeCount()) > 0;

describe("claiming", () => {
  test("at the window's opening, once, with the sealed root; found on chain at the next block", async () => {
    await served();
    await world.look(worker, 21n);
    expect(chain.sent).toHaveLength(0);
    expect(await world.state(session)).toBe("active");
    await world.look(worker, 22n);
    expect(chain.sent).toHaveLength(1);
    const { sealedRoot } = await world.store(session).state();
    expect(chain.sent[0]?.claims).toEqual([
      {
        supplierOperatorAddress: SUPPLIER,
        sessionHeader: {
          applicationAddress: session.application,
          serviceId: "svc",
          sessionId: session.sessionId,
          sessionStartBlockHeight: 11n,
          sessionEndBlockHeight: 20n,
        },
        rootHash: new Uint8Array(sealedRoot ?? []),
      },
    ]);
    const record = await world.record(session);
    expect(record.state).toBe("claimed");
    expect(record.claimTxHash).toMatch(/^[0-9A-F]{64}$/);
    expect(record.claimedRoot).toEqual(sealedRoot);

    for (const sent of chain.sent) chain.include(sent);
    await world.look(worker, 23n);
    await world.look(worker, 24n);
    expect(chain.sent).toHaveLength(1);
    const tracked = await world.submissions.read(SUPPLIER, 20n, session.sessionId);
    expect(tracked?.claim).toMatchObject({
      success: true,
      hash: toHex(sealedRoot ?? new Uint8Array()),
      submitHeight: 22n,
      onChainOutcome: "on_chain_found",
      inclusionHeight: 23n,
    });
    expect(await total(world.metrics.relaysClaimed)).toBe(5);
  });

  test("waits for the relays that are still in the stream, and does not hold up the block after", async () => {
    await served(3);
    await world.publish(session, 77);
    const { looking } = await lookAndWait(22n);
    expect(chain.sent).toHaveLength(0);
    await world.consume(worker);
    await looking;
    expect(chain.sent[0]?.claims[0]?.rootHash.at(-1)).toBe(4);
  });

  test("an unapplied relay delays a claim to the next block, not beyond the window", async () => {
    await served(3);
    await world.publish(session, 77);
    const { looking } = await lookAndWait(22n);
    chain.height = 23n;
    await looking;
    expect(chain.sent).toHaveLength(0);
    expect(await world.state(session)).toBe("active");
    await world.look(worker, 24n);
    expect(chain.sent).toHaveLength(1);
    expect(seen("warn")).toContain("the stream is not emptied in time: relays may miss their claim");
  });

  test("is sent again when it is not on chain, a bounded number of times, each under its own nonce", async () => {
    await served();
    for (const height of [22n, 23n, 24n, 25n, 26n]) await world.look(worker, height);
    expect(chain.sent).toHaveLength(2);
    const [first, second] = chain.sent;
    expect(second?.claims).toEqual(first?.claims);
    expect(new Set(chain.sent.map(timeoutOf)).size).toBe(2);
    expect(await world.state(session)).toBe("claim_missing");
    expect(seen("error")).toContain("a session ended without pay");
  });

  test("an unanswered broadcast may be on its way: it is waited for, and does not use up a try", async () => {
    await served();
    chain.onBroadcast = () => {
      throw new Error("socket hang up");
    };
    await world.look(worker, 22n);
    expect(await world.state(session)).toBe("claiming");
    expect((await world.record(session)).claimTxHash).toMatch(/^[0-9A-F]{64}$/);
    await world.look(worker, 23n);
    expect(chain.sent).toHaveLength(1);
    chain.onBroadcast = () => ({});
    await world.look(worker, 24n);
    await world.look(worker, 25n);
    expect(chain.sent).toHaveLength(3);
  });

  test("that the chain refuses in the mempool is tried again at each block while the window is open", async () => {
    await served();
    chain.onBroadcast = () => ({ code: 13, codespace: "sdk", log: "insufficient fee" });
    await world.look(worker, 22n);
    await world.look(worker, 23n);
    expect(chain.sent).toHaveLength(2);
    const tracked = await world.submissions.read(SUPPLIER, 20n, session.sessionId);
    expect(tracked?.claim).toMatchObject({ success: false, errorReason: "insufficient fee" });
    chain.onBroadcast = (sent) => {
      chain.include(sent);
      return { code: 19, codespace: "sdk", log: "tx already exists in cache" };
    };
    await world.look(worker, 24n);
    expect(await world.state(session)).toBe("claimed");
  });

  test("when the chain is away: nothing is decided, and the claim goes out when it is back", async () => {
    await served();
    chain.away = true;
    await world.look(worker, 22n);
    await world.look(worker, 23n);
    expect(await world.state(session)).toBe("active");
    chain.away = false;
    await world.look(worker, 24n);
    expect(chain.sent).toHaveLength(1);
    expect(await world.state(session)).toBe("claimed");
    chain.away = true;
    for (const height of [26n, 27n, 30n, 31n, 34n]) await world.look(worker, height);
    expect(await world.state(session)).toBe("claimed");
    expect(await trieIsThere()).toBe(true);
  });

  test("a message that the simulation refuses does not take the others down", async () => {
    const others = [announce(chain, sessionOf("b")), announce(chain, sessionOf("c"))];
    await served();
    for (const other of others) await served(2, other);
    chain.objection = ({ value }) =>
      MsgCreateClaim.decode(value).sessionHeader?.sessionId === others[0]?.sessionId
        ? "bad claim"
        : undefined;
    await world.look(worker, 22n);
    expect(chain.sent).toHaveLength(1);
    expect(new Set(chain.sent[0]?.claims.map(({ sessionHeader }) => sessionHeader?.sessionId))).toEqual(
      new Set([session.sessionId, others[1]?.sessionId]),
    );
    expect(await world.state(session)).toBe("claimed");
    expect(await world.state(others[0] ?? session)).toBe("claiming");
    chain.objection = () => undefined;
    for (const sent of chain.sent) chain.include(sent);
    await world.look(worker, 23n);
    expect(await world.state(others[0] ?? session)).toBe("claimed");
  });

  test("a refusal that names no message is narrowed down by halves", async () => {
    const others = numbers(6).map((number) => announce(chain, sessionOf(`h${number}`)));
    for (const other of others) await served(1, other);
    const bad = others[3]?.sessionId;
    chain.objection = ({ value }, all) => {
      const { sessionHeader } = MsgCreateClaim.decode(value);
      return sessionHeader?.sessionId === bad || all > 4 ? "whole: too much" : undefined;
    };
    await world.look(worker, 22n);
    const sent = chain.sent.flatMap(({ claims }) =>
      claims.map(({ sessionHeader }) => sessionHeader?.sessionId),
    );
    expect(sent).toHaveLength(5);
    expect(new Set(sent)).toEqual(
      new Set(others.map(({ sessionId }) => sessionId).filter((id) => id !== bad)),
    );
  });

  test("one transaction a claim when batching is off", async () => {
    const single = await minerWorld({ own, chain, together: false });
    const other = announce(chain, sessionOf("b"));
    await served();
    await served(1, other);
    await single.look(worker, 22n);
    expect(chain.sent.map(({ claims }) => claims.length)).toEqual([1, 1]);
    expect(new Set(chain.sent.map(timeoutOf)).size).toBe(2);
  });

  test("one session's broken record does not hold up another's claim", async () => {
    const broken = announce(chain, sessionOf("b"));
    await served();
    await served(1, broken);
    await own.redis.commands.send("HSET", own.keys.session(SUPPLIER, broken.sessionId), "state", "nonsense");
    await world.look(worker, 22n);
    expect(chain.sent[0]?.claims).toHaveLength(1);
    expect(seen("error")).toContain("a session record cannot be read");
  });

  test("of a trie whose sum the chain would refuse is not made, and that is told", async () => {
    await served();
    const trie = await world.store(session).state();
    const root = Uint8Array.from(trie.liveRoot ?? []);
    root[39] = (root[39] ?? 0) ^ 1;
    await own.redis.commands.send("SET", own.keys.trieLiveRoot(SUPPLIER, session.sessionId), root);
    const heir = world.workerWith(worker.lease);
    await world.look(heir, 22n);
    expect(chain.sent).toHaveLength(0);
    expect(await world.state(session)).toBe("claim_skipped");
    expect(seen("error")).toContain("a session is not claimed");
  });

  test("never made: the window's end ends the session, and after settlement its trie goes", async () => {
    await served();
    await world.look(worker, 26n);
    expect(await world.state(session)).toBe("claim_window_closed");
    expect(await trieIsThere()).toBe(true);
    await world.look(worker, 33n);
    expect((await world.record(session)).settlementOutcome).toBeUndefined();
    await world.look(worker, 34n);
    expect(await world.record(session)).toMatchObject({
      settlementOutcome: "none",
      state: "claim_window_closed",
    });
    expect(await trieIsThere()).toBe(false);
  });
});

describe("another root on chain", () => {
  test("is an alarm, and ours is claimed again while the window is open", async () => {
    const root = await claimed();
    setClaim({ rootHash: Uint8Array.from(root).fill(1, 0, 32) });
    await world.look(worker, 24n);
    expect(await total(world.metrics.foreignRoots)).toBe(1);
    expect(seen("error")).toContain(
      "the chain holds a claim of ours with another root: does a second deployment use this key?",
    );
    expect(chain.sent).toHaveLength(2);
    expect(chain.sent[1]?.claims[0]?.rootHash).toEqual(root);
  });

  test("a claim for a session that this Redis does not know is an alarm, once", async () => {
    await claimed();
    const [known] = chain.claims.values();
    if (known === undefined) throw new Error("no claim");
    chain.claims.set("stranger", { ...known, sessionHeader: { ...headerOf(known), sessionId: "stranger" } });
    await world.look(worker, 24n);
    await world.look(worker, 25n);
    expect(await total(world.metrics.foreignRoots)).toBe(1);
    expect(seen("error").filter((line) => line.includes("this Redis does not know"))).toHaveLength(1);
  });

  test("after the window no proof is sent against it", async () => {
    const root = await claimed();
    setClaim({ rootHash: Uint8Array.from(root).fill(1, 0, 32) });
    await world.look(worker, 27n);
    expect(await world.state(session)).toBe("claim_tx_error");
    await world.look(worker, 28n);
    expect(chain.sent).toHaveLength(1);
    expect(await trieIsThere()).toBe(true);
  });

  test("a seal that Redis has lost is made again on the root that the chain has", async () => {
    const root = await claimed();
    await own.redis.commands.send("DEL", own.keys.trieRoot(SUPPLIER, session.sessionId));
    await world.look(worker, 27n);
    expect(await total(world.metrics.foreignRoots)).toBe(0);
    expect(chain.sent[1]?.proofs).toHaveLength(1);
    expect((await world.store(session).state()).sealedRoot).toEqual(Buffer.from(root));
  });
});

describe("proving", () => {
  test("not required: over, nothing is sent, the trie stays until settlement", async () => {
    await claimed();
    chain.proofParams = {
      ...chain.proofParams,
      proofRequestProbability: -1,
      proofRequirementThreshold: { denom: "upokt", amount: "1000000000000" },
    };
    await world.look(worker, 26n);
    expect(await world.state(session)).toBe("claimed");
    await world.look(worker, 27n);
    expect(await world.state(session)).toBe("probabilistic_proved");
    expect(chain.sent).toHaveLength(1);
    expect(await trieIsThere()).toBe(true);
  });

  test("required: the closest leaf to the seed's path, verified; sent once; over when the chain has validated it", async () => {
    const root = await claimed();
    await world.look(worker, 26n);
    expect(chain.sent).toHaveLength(1);
    await world.look(worker, 27n);
    expect(await world.state(session)).toBe("proving");
    const message = chain.sent[1]?.proofs[0];
    const proof = decodeClosestProof(message?.proof ?? new Uint8Array());
    expect(proof.path).toEqual(proofPath(seedHash(26n), session.sessionId));
    expect(verifyClosestProof(proof, root)).toBe(true);
    expect(message?.sessionHeader).toEqual(chain.sent[0]?.claims[0]?.sessionHeader);
    await world.look(worker, 28n);
    expect(chain.sent).toHaveLength(2);
    setClaim({ proofValidationStatus: ProofValidationStatus.validated });
    await world.look(worker, 29n);
    expect(await world.state(session)).toBe("proved");
    const tracked = await world.submissions.read(SUPPLIER, 20n, session.sessionId);
    expect(tracked).toMatchObject({
      proofRequired: true,
      proof: { success: true, onChainOutcome: "on_chain_found" },
    });
    expect(tracked?.proof.hash).toBe(toHex(message?.proof ?? new Uint8Array()));
  });

  test("sent again when the chain has not validated it, and in the window's last chance", async () => {
    await claimed();
    for (const height of [27n, 28n, 29n, 30n]) await world.look(worker, height);
    expect(chain.sent.filter(({ proofs }) => proofs.length > 0)).toHaveLength(2);
    await world.look(worker, 31n);
    expect(await world.state(session)).toBe("proving");
  });

  test("the chain says at the last moment that it needs none: over, and the others are sent", async () => {
    const other = announce(chain, sessionOf("b"));
    await served(2, other);
    await claimed();
    let first = true;
    chain.objection = ({ typeUrl }) => {
      if (typeUrl !== PROOF_URL || !first) return undefined;
      first = false;
      return "proof not required";
    };
    await world.look(worker, 27n);
    const states = new Set([await world.state(session), await world.state(other)]);
    expect(states).toEqual(new Set(["probabilistic_proved", "proving"]));
    expect(chain.sent.at(-1)?.proofs).toHaveLength(1);
  });

  test("endpoints that disagree on the seed hold the proof back, but not past the last chance", async () => {
    const root = await claimed();
    chain.liars = [{ name: "liar", hash: new Uint8Array(32).fill(0xee) }];
    await world.look(worker, 27n);
    await world.look(worker, 28n);
    expect(chain.sent).toHaveLength(1);
    expect(await world.state(session)).toBe("claimed");
    await world.look(worker, 29n);
    const proof = decodeClosestProof(chain.sent[1]?.proofs[0]?.proof ?? new Uint8Array());
    expect(proof.path).toEqual(proofPath(seedHash(26n), session.sessionId));
    expect(verifyClosestProof(proof, root)).toBe(true);
  });

  test("whether one is required cannot be known: it is made, and the chain decides", async () => {
    await claimed();
    chain.proofParams = { ...chain.proofParams, proofRequirementThreshold: undefined };
    await world.look(worker, 27n);
    expect(chain.sent[1]?.proofs).toHaveLength(1);
  });

  test("a claim of one session waits for its relays; a proof of another is not held up by that", async () => {
    // Proof window 27 to 35, and the next session's claim window opens at 32.
    chain.params = { ...PARAMS, proofWindowCloseOffsetBlocks: 8n };
    await claimed();
    const next = announce(chain, sessionOf("next", { startHeight: 21n, endHeight: 30n }));
    await served(2, next);
    await world.publish(next, 99);
    const { looking } = await lookAndWait(32n);
    await expect
      .poll(() => chain.sent.map(({ proofs, claims }) => [claims.length, proofs.length]))
      .toEqual([
        [1, 0],
        [0, 1],
      ]);
    await world.consume(worker);
    await looking;
    expect(await world.state(next)).toBe("claimed");
  });
});

test("settled sessions are not read at every block, and unsettled ones never lost sight of", async () => {
  await claimed();
  settleWith(settledEvent(0));
  await world.look(worker, 31n);
  const late = announce(chain, sessionOf("late"));
  await served(1, late);
  await world.look(worker, 36n);
  expect(await world.state(late)).toBe("claim_window_closed");
  const { load } = world.sessions;
  const read: string[] = [];
  Object.assign(world.sessions, {
    load: (supplier: string, id: string) => {
      read.push(id);
      return load(supplier, id);
    },
  });
  await world.look(worker, 37n);
  expect(read).toEqual([late.sessionId]);
  expect(await world.record(late)).toMatchObject({ settlementOutcome: "none" });
  await world.look(worker, 38n);
  read.length = 0;
  await world.look(worker, 39n);
  expect(read).toEqual([]);
});

describe("a new owner", () => {
  const takeOver = async (): Promise<{ world: MinerWorld; worker: SupplierWorker }> => {
    await own.redis.commands.send("DEL", own.keys.supplierLease(SUPPLIER));
    const other = await minerWorld({ own, chain, id: "m2" });
    return { world: other, worker: await other.begin() };
  };
  /** The process dies while it broadcasts: nothing after it happens. */
  const dieAtBroadcast = () => {
    let alive = true;
    chain.onBroadcast = () => {
      alive = false;
      return {};
    };
    return minerWorld({ own, chain, holds: () => alive });
  };

  test("re-enters `claiming`: the same root is claimed, unless it is on chain already", async () => {
    const dying = await dieAtBroadcast();
    await served();
    const { lease } = worker;
    const { sessionId } = session;
    const root = await worker.seal(session);
    await world.sessions.move({ lease, supplier: SUPPLIER, sessionId, from: ["active"], to: "claiming" });
    await dying.look(dying.workerWith(lease), 22n);
    const heir = await takeOver();
    await heir.world.look(heir.worker, 24n);
    expect(chain.sent.map(({ claims }) => claims[0]?.rootHash)).toEqual([
      new Uint8Array(root ?? []),
      new Uint8Array(root ?? []),
    ]);
    expect(await heir.world.state(session)).toBe("claimed");
  });

  test("finds `claiming` with the claim on chain: nothing is sent again", async () => {
    await claimed();
    const { lease } = worker;
    const { sessionId } = session;
    await world.sessions.move({ lease, supplier: SUPPLIER, sessionId, from: ["claimed"], to: "claiming" });
    const heir = await takeOver();
    await heir.world.look(heir.worker, 24n);
    expect(chain.sent).toHaveLength(1);
    expect(await heir.world.state(session)).toBe("claimed");
    expect(await total(heir.world.metrics.relaysClaimed)).toBe(0);
  });

  test("re-enters `proving`: the proof is built from Redis and verifies", async () => {
    const root = await claimed();
    const { lease } = worker;
    const { sessionId } = session;
    await world.sessions.move({ lease, supplier: SUPPLIER, sessionId, from: ["claimed"], to: "proving" });
    const heir = await takeOver();
    await heir.world.look(heir.worker, 28n);
    const proof = decodeClosestProof(chain.sent[1]?.proofs[0]?.proof ?? new Uint8Array());
    expect(verifyClosestProof(proof, root)).toBe(true);
    expect(await heir.world.state(session)).toBe("proving");
  });

  test("makes the old one powerless: it sends nothing and changes nothing", async () => {
    await claimed();
    const heir = await takeOver();
    await world.look(worker, 27n);
    expect(chain.sent).toHaveLength(1);
    expect(world.fenced.length).toBeGreaterThan(0);
    expect(await world.state(session)).toBe("claimed");
    settleWith(settledEvent(0));
    await world.look(worker, 31n);
    expect(await total(world.metrics.upoktEarned)).toBe(0);
    expect(await trieIsThere()).toBe(true);
    await heir.world.look(heir.worker, 31n);
    expect(await total(heir.world.metrics.upoktEarned)).toBe(400);
  });

  test("makes the old one powerless also where the root was sealed before", async () => {
    await served();
    await worker.seal(session);
    await takeOver();
    await world.look(worker, 22n);
    expect(chain.sent).toHaveLength(0);
    expect(await world.state(session)).toBe("active");
    expect(world.fenced.length).toBeGreaterThan(0);
  });

  test("lease lost between preparing and sending: nothing leaves", async () => {
    let held = true;
    const timed = await minerWorld({ own, chain, holds: () => held });
    await served();
    chain.objection = () => {
      held = false;
      return undefined;
    };
    await timed.look(timed.workerWith(worker.lease), 22n);
    expect(chain.sent).toHaveLength(0);
  });

  test("keeps what a Go miner left from expiring", async () => {
    await served();
    const keys = [
      own.keys.session(SUPPLIER, session.sessionId),
      own.keys.trieNodes(SUPPLIER, session.sessionId),
      own.keys.trieLiveRoot(SUPPLIER, session.sessionId),
      own.keys.sessionIndex(SUPPLIER),
    ];
    for (const key of keys) await own.redis.commands.send("EXPIRE", key, 7200);
    const heir = await takeOver();
    await heir.world.look(heir.worker, 15n);
    for (const key of keys) expect(await own.redis.commands.send("TTL", key)).toBe(-1);
  });
});

describe("settlement", () => {
  const outcomes: [string, () => ChainEvent[], object, SessionState, number][] = [
    [
      "settled with a proof",
      () => [settledEvent(1)],
      {
        settlementOutcome: "settled_proven",
        settlementClaimed: 500n,
        settlementPaid: 400n,
        settlementSlashed: 0n,
      },
      "proved",
      400,
    ],
    [
      "settled without a proof",
      () => [settledEvent(0, 500n)],
      { settlementOutcome: "settled_unproven", settlementClaimed: 500n, settlementPaid: 500n },
      "probabilistic_proved",
      500,
    ],
    [
      "expired and slashed",
      () => [
        event("EventClaimExpired", {
          ...quoted(session),
          claimed_upokt: '"500upokt"',
          num_relays: '"5"',
          expiration_reason: '"PROOF_MISSING"',
        }),
        event("EventSupplierSlashed", { ...quoted(session), proof_missing_penalty: '"320upokt"' }),
      ],
      { settlementOutcome: "expired", settlementClaimed: 500n, settlementPaid: 0n, settlementSlashed: 320n },
      "proof_window_closed",
      0,
    ],
    [
      "discarded",
      () => [event("EventClaimDiscarded", { ...quoted(session), error: '"no such service"' })],
      { settlementOutcome: "discarded", settlementPaid: 0n },
      "proof_window_closed",
      0,
    ],
  ];
  test.each(outcomes)(
    "%s: recorded with its amounts, once; the trie goes",
    async (_, events, outcome, state, earned) => {
      await claimed();
      await world.look(worker, 30n);
      expect(await trieIsThere()).toBe(true);
      const before = (await world.record(session)).state;
      settleWith(
        event("EventClaimSettled", { session_id: '"another"', supplier_operator_address: `"${SUPPLIER}"` }),
        event("EventClaimExpired", { ...quoted(sessionOf("b")) }),
        ...events(),
      );
      await world.look(worker, 31n);
      const after = await world.record(session);
      expect(after).toMatchObject({ ...outcome, settlementHeight: 31n });
      // A proof was sent at 30: what ended without one in time is told apart from what never had one.
      expect(after.state).toBe(
        before === "proving" && state === "proof_window_closed" ? "proof_tx_error" : state,
      );
      expect(await trieIsThere()).toBe(false);
      await world.look(worker, 32n);
      expect(await total(world.metrics.upoktEarned)).toBe(earned);
      expect(await total(world.metrics.settledByStatus)).toBe(1);
    },
  );

  test("of a session that was over before is recorded all the same", async () => {
    await claimed();
    await world.look(worker, 27n);
    setClaim({ proofValidationStatus: ProofValidationStatus.validated });
    await world.look(worker, 28n);
    expect(await world.state(session)).toBe("proved");
    settleWith(settledEvent(1));
    await world.look(worker, 31n);
    expect(await world.record(session)).toMatchObject({
      settlementOutcome: "settled_proven",
      state: "proved",
    });
  });

  test("in a block that cannot be read yet is looked for again", async () => {
    await claimed();
    settleWith(settledEvent(0));
    const { blockResults } = chain.client;
    chain.client.blockResults = async () => {
      throw new Error("not yet");
    };
    await world.look(worker, 31n);
    expect((await world.record(session)).settlementOutcome).toBeUndefined();
    expect(await trieIsThere()).toBe(true);
    chain.client.blockResults = blockResults;
    await world.look(worker, 40n);
    expect(await world.record(session)).toMatchObject({
      settlementOutcome: "settled_unproven",
      settlementHeight: 31n,
    });
  });

  test("nowhere to be found, while the chain still has the claim: nothing is given up", async () => {
    await claimed();
    await world.look(worker, 40n);
    expect(await world.state(session)).toBe("claimed");
    expect(await trieIsThere()).toBe(true);
    chain.claims.clear();
    await world.look(worker, 41n);
    expect(await world.record(session)).toMatchObject({ state: "claim_missing", settlementOutcome: "none" });
    expect(await trieIsThere()).toBe(false);
  });

  test("so long ago that no node has the block: the outcome is unknown, not none", async () => {
    await claimed();
    chain.claims.clear();
    chain.client.blockResults = async () => {
      throw new Error("pruned");
    };
    await world.look(worker, 2_000n);
    expect(await world.record(session)).toMatchObject({ settlementOutcome: "unknown" });
  });

  test("a crash before the outcome is written leaves no trie behind", async () => {
    await claimed();
    settleWith(settledEvent(0));
    const { settle } = world.sessions;
    Object.assign(world.sessions, {
      settle: async () => {
        throw new Error("crash");
      },
    });
    await world.look(worker, 31n);
    Object.assign(world.sessions, { settle });
    await world.look(worker, 32n);
    expect(await world.record(session)).toMatchObject({ settlementOutcome: "settled_unproven" });
    expect(await trieIsThere()).toBe(false);
    expect(await total(world.metrics.upoktEarned)).toBe(400);
  });
});

test("a whole session over 100 relays ends paid, and a relay that comes after it is discarded", async () => {
  await served(100);
  chain.onBroadcast = (sent) => {
    chain.include(sent);
    if (sent.proofs.length > 0) setClaim({ proofValidationStatus: ProofValidationStatus.validated });
    return {};
  };
  for (let height = 15n; height <= 30n; height++) await world.look(worker, height);
  settleWith(settledEvent(1));
  for (let height = 31n; height <= 36n; height++) await world.look(worker, height);
  expect(await world.record(session)).toMatchObject({
    state: "proved",
    settlementPaid: 400n,
    relayCount: 100n,
  });
  expect(chain.sent).toHaveLength(2);
  await world.publishMessage(mined(session, 1_000));
  await world.consume(worker);
  expect(await world.reader.lag(SUPPLIER)).toMatchObject({ length: 0, pending: 0 });
  expect(await trieIsThere()).toBe(false);
});
