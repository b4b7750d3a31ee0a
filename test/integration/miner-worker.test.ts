import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { rootTotals } from "../../src/chain/protocol/claim.ts";
import { SessionTrie } from "../../src/runtime/miner/session-trie.ts";
import type { SupplierWorker } from "../../src/runtime/miner/worker.ts";
import { listOf } from "../../src/runtime/redis/reply.ts";
import type { SessionIdentity } from "../../src/runtime/redis/session-record.ts";
import { trieWrites } from "../../src/runtime/redis/trie-writes.ts";
import { decodeClosestProof } from "../../src/smst/gob.ts";
import { Trie } from "../../src/smst/trie.ts";
import { verifyClosestProof } from "../../src/smst/verify.ts";
import {
  announce,
  type MinerWorld,
  mined,
  minerWorld,
  numbers,
  SUPPLIER,
  sessionOf,
} from "../kit/miner-world.ts";
import { type TestRedis, testRedis } from "../kit/redis-fleet.ts";
import { ScriptedChain, UNITS } from "../kit/scripted-chain.ts";

let own: TestRedis;
let chain: ScriptedChain;
let world: MinerWorld;
let worker: SupplierWorker;
let session: SessionIdentity;
/** What the worker's clock says; it stands still until a test lets it go on. */
let now = 0;
const clock = { ...systemClock, monotonic: () => now };

beforeAll(async () => {
  own = await testRedis();
});
afterAll(() => own.close());
beforeEach(async () => {
  await own.redis.commands.send("FLUSHALL");
  chain = new ScriptedChain();
  world = await minerWorld({ own, chain, clock });
  session = announce(chain, sessionOf("a"));
  worker = await world.begin();
});

const liveRoot = async (of = session) => (await world.store(of).state()).liveRoot;
const totals = async (of = session) => {
  const root = await liveRoot(of);
  return root && rootTotals(root);
};
const lag = () => world.reader.lag(SUPPLIER);
const deadLetters = async () =>
  listOf(await own.redis.commands.send("XRANGE", own.keys.deadLetters(SUPPLIER), "-", "+")).length;
const EMPTY_STREAM = { length: 0, pending: 0, oldestMs: undefined };

/** The root that a trie with exactly these relays has. */
function rootOf(of: SessionIdentity, relays: readonly number[]): Uint8Array {
  const trie = new Trie({ get: () => undefined });
  for (const number of relays) {
    const { relayHash, relayBytes } = mined(of, number);
    trie.update(relayHash, relayBytes, UNITS);
  }
  return trie.root();
}

describe("applying", () => {
  test("relays become leaves, entries go, and the record counts what the trie holds", async () => {
    await world.publish(session, ...numbers(250));
    await world.consume(worker);
    expect(await liveRoot()).toEqual(Buffer.from(rootOf(session, numbers(250))));
    expect(await lag()).toEqual(EMPTY_STREAM);
    expect(await world.record(session)).toMatchObject({
      state: "active",
      relayCount: 250n,
      computeUnits: 250n * UNITS,
      application: session.application,
    });
  });

  test("the same relay, in one batch and in a later one, is one leaf", async () => {
    await world.publish(session, 1, 1, 2);
    await world.consume(worker);
    await world.publish(session, 2, 3);
    await world.consume(worker);
    expect(await totals()).toEqual({ count: 3n, sum: 3n * UNITS });
    expect(await lag()).toEqual(EMPTY_STREAM);
  });

  test("several sessions and a key that does not belong to its relay", async () => {
    const other = announce(chain, sessionOf("b"));
    await world.publishMessage(mined(session, 1, { relayHash: new Uint8Array(32) }));
    await world.publish(other, 1, 2);
    await world.consume(worker);
    expect(await liveRoot()).toEqual(Buffer.from(rootOf(session, [1])));
    expect(await liveRoot(other)).toEqual(Buffer.from(rootOf(other, [1, 2])));
  });

  test("another process goes on where this one was, with nothing in memory", async () => {
    await world.publish(session, ...numbers(120));
    await world.consume(worker);
    await worker.stop();
    const heir = world.workerWith(worker.lease);
    await world.publish(session, ...numbers(80, 120));
    await world.consume(heir);
    expect(await liveRoot()).toEqual(Buffer.from(rootOf(session, numbers(200))));
  });
});

describe("memory", () => {
  test("tries that do not fit in together are dropped, the one used longest ago first, and read again when relays come", async () => {
    const small = await minerWorld({ own, chain, trieBytes: 30_000 });
    const busy = small.workerWith(worker.lease);
    const other = announce(chain, sessionOf("b"));
    const bytes = () => [session, other].map((of) => busy.trie(of).bytes);
    await small.publish(session, ...numbers(100));
    await small.consume(busy);
    expect(bytes()).toEqual([expect.any(Number), 0]);
    expect(bytes()[0]).toBeGreaterThan(100 * 100);
    await small.publish(other, ...numbers(100));
    await small.consume(busy);
    expect(bytes()).toEqual([0, expect.any(Number)]);
    expect(bytes()[1]).toBeGreaterThan(100 * 100);
    await small.publish(session, ...numbers(50, 80));
    await small.publish(other, ...numbers(300, 80));
    await small.consume(busy);
    // The larger one does not even fit in alone.
    expect(bytes()[1]).toBe(0);
    expect(await liveRoot()).toEqual(Buffer.from(rootOf(session, numbers(130))));
    expect(await liveRoot(other)).toEqual(Buffer.from(rootOf(other, numbers(380))));
  });
});

describe("after an unknown outcome", () => {
  test("a batch that was applied although its answer was lost is not applied twice", async () => {
    await world.publish(session, ...numbers(10));
    const { batches } = await world.reader.read([SUPPLIER], { count: 100, blockMs: 1 });
    const entries = batches[0]?.entries ?? [];
    const writes = trieWrites(own.redis.commands, own.keys, systemClock);
    let lost = 0;
    const trie = new SessionTrie({
      session,
      store: world.store(session),
      writes: {
        ...writes,
        applyBatch: async (batch) => {
          const answer = await writes.applyBatch(batch);
          if (lost++ === 0) throw new Error("the answer was lost");
          return answer;
        },
      },
    });
    const leaves = entries.map(({ message }) => ({
      key: message?.relayHash ?? new Uint8Array(),
      value: message?.relayBytes ?? new Uint8Array(),
      weight: UNITS,
    }));
    const ids = entries.map(({ id }) => id);
    await expect(trie.apply(worker.lease, leaves, ids)).rejects.toThrow("the answer was lost");
    expect(await lag()).toEqual(EMPTY_STREAM);
    const again = await trie.apply(worker.lease, leaves, ids);
    expect(["applied", "repeated"]).toContain(again.outcome);
    expect(await liveRoot()).toEqual(Buffer.from(rootOf(session, numbers(10))));
    expect(await world.store(session).nodeCount()).toBeGreaterThan(10);
    const more = mined(session, 99);
    await trie.apply(worker.lease, [{ key: more.relayHash, value: more.relayBytes, weight: UNITS }], []);
    expect(await liveRoot()).toEqual(Buffer.from(rootOf(session, [...numbers(10), 99])));
  });

  test("a batch that was never applied leaves nothing in memory that the next one would build on", async () => {
    const writes = trieWrites(own.redis.commands, own.keys, systemClock);
    let failures = 1;
    const trie = new SessionTrie({
      session,
      store: world.store(session),
      writes: {
        ...writes,
        applyBatch: async (batch) => {
          if (failures-- > 0) throw new Error("it never arrived");
          return writes.applyBatch(batch);
        },
      },
    });
    const leafOf = (number: number) => {
      const { relayHash, relayBytes } = mined(session, number);
      return { key: relayHash, value: relayBytes, weight: UNITS };
    };
    await expect(trie.apply(worker.lease, [1, 2, 3].map(leafOf), [])).rejects.toThrow("it never arrived");
    expect(await trie.apply(worker.lease, [4, 5].map(leafOf), [])).toEqual({ outcome: "applied", added: 2n });
    expect(await liveRoot()).toEqual(Buffer.from(rootOf(session, [4, 5])));
    expect(await trie.apply(worker.lease, [4, 6].map(leafOf), [])).toEqual({ outcome: "applied", added: 1n });
  });

  test("a trie that Redis has moved on from is read again and the batch made anew", async () => {
    await world.publish(session, 1);
    await world.consume(worker);
    // An earlier life of the same lease writes behind this one's back.
    const other = world.workerWith(worker.lease);
    await world.publish(session, 2);
    await world.consume(other);
    await world.publish(session, 3);
    await world.consume(worker);
    expect(await liveRoot()).toEqual(Buffer.from(rootOf(session, [1, 2, 3])));
    expect(await lag()).toEqual(EMPTY_STREAM);
  });

  test("every node that the root leads to is there after many batches and replacements", async () => {
    for (let round = 0; round < 6; round++) {
      await world.publish(session, ...numbers(40, round * 25));
      await world.consume(worker);
    }
    const root = await worker.seal(session);
    expect(root).toEqual(Buffer.from(rootOf(session, numbers(165))));
    for (const fill of [0x00, 0x5a, 0xff]) {
      const path = new Uint8Array(32).fill(fill);
      const proof = await worker.exclusive(() => worker.trie(session).prove(path));
      const decoded = decodeClosestProof(proof ?? new Uint8Array());
      expect(verifyClosestProof(decoded, root ?? new Uint8Array())).toBe(true);
      expect(decoded.path).toEqual(path);
    }
  });
});

describe("what must not become a leaf", () => {
  test("relays after the seal are discarded as late, and the root stays", async () => {
    await world.publish(session, 1, 2);
    await world.consume(worker);
    const root = await worker.seal(session);
    await world.publish(session, 3);
    await world.consume(worker);
    await world.publish(session, 4);
    await world.consume(worker);
    expect(await lag()).toEqual(EMPTY_STREAM);
    expect(await deadLetters()).toBe(0);
    expect(await worker.seal(session)).toEqual(root);
    expect((await world.store(session).state()).sealedRoot).toEqual(Buffer.from(rootOf(session, [1, 2])));
  });

  test("relays of a session that is over are discarded as late", async () => {
    await world.publish(session, 1);
    await world.consume(worker);
    const { lease } = worker;
    const { sessionId } = session;
    await world.sessions.move({
      lease,
      supplier: SUPPLIER,
      sessionId,
      from: ["active"],
      to: "claim_skipped",
    });
    await world.publish(session, 2);
    await world.consume(worker);
    expect(await totals()).toEqual({ count: 1n, sum: UNITS });
    expect(await lag()).toEqual(EMPTY_STREAM);
  });

  test("wrong compute units go to the dead letters; the others of the batch are leaves", async () => {
    await world.publishMessage(mined(session, 1, { computeUnitsPerRelay: 1n }));
    await world.publish(session, 2);
    await world.publishMessage(mined(session, 3, { computeUnitsPerRelay: UNITS * 2n }));
    await world.consume(worker);
    expect(await deadLetters()).toBe(2);
    expect(await totals()).toEqual({ count: 1n, sum: UNITS });
    expect(await lag()).toEqual(EMPTY_STREAM);
  });

  test("a relay that lies about its session spoils none of the session's true relays, even when it comes first", async () => {
    await world.publishMessage(mined(session, 1, { sessionEndHeight: 30n }));
    await world.publishMessage(mined(session, 2, { serviceId: "other" }));
    await world.publishMessage(mined(session, 3, { sessionStartHeight: 1n }));
    await world.publish(session, 4);
    chain.sessions.set(`${session.application}:other:11`, { ...sessionOfChain(), sessionId: "x" });
    chain.sessions.set(`${session.application}:svc:1`, { ...sessionOfChain(), sessionId: "y" });
    await world.consume(worker);
    expect(await liveRoot()).toEqual(Buffer.from(rootOf(session, [4])));
    expect(await world.record(session)).toMatchObject({ serviceId: "svc", startHeight: 11n, endHeight: 20n });
    expect(await deadLetters()).toBe(3);
  });

  test("relays for an application that the chain no longer has are put aside; a node that lags is waited for", async () => {
    const name = `${session.application}:svc:11`;
    chain.refusedSessions.set(name, "block height 11 is ahead of the last committed block height 10");
    await world.publish(session, 1);
    await world.consume(worker);
    expect(await lag()).toMatchObject({ length: 1, pending: 1 });
    expect(await deadLetters()).toBe(0);
    chain.refusedSessions.set(name, 'could not find app with address "pokt1a" at height 20');
    now += 1_000;
    await worker.apply(await world.reader.pending(SUPPLIER, "0", 10));
    expect(await deadLetters()).toBe(1);
    expect(await lag()).toEqual(EMPTY_STREAM);
  });

  test("garbage goes to the dead letters", async () => {
    await own.redis.commands.send("XADD", own.keys.stream(SUPPLIER), "*", "data", "garbage");
    await world.publish(session, 1);
    await world.consume(worker);
    expect(await deadLetters()).toBe(1);
    expect(await totals()).toMatchObject({ count: 1n });
  });
});

const sessionOfChain = () => {
  const known = chain.sessions.get(`${session.application}:svc:11`);
  if (!known?.header) throw new Error("no session");
  return { ...known, header: { ...known.header, sessionId: "other" } };
};

describe("unknown is not absent", () => {
  test("while the chain is away nothing is applied, put aside or acknowledged, and it is not asked for every batch", async () => {
    chain.away = true;
    await world.publish(session, 1, 2);
    await world.consume(worker);
    const { asked } = chain;
    await worker.apply(await world.reader.pending(SUPPLIER, "0", 10));
    expect(chain.asked).toBe(asked);
    expect(await lag()).toMatchObject({ length: 2, pending: 2 });
    expect(await deadLetters()).toBe(0);
    expect(await liveRoot()).toBeUndefined();
    chain.away = false;
    now += 1_000;
    await worker.apply(await world.reader.pending(SUPPLIER, "0", 10));
    expect(await totals()).toMatchObject({ count: 2n });
    expect(await lag()).toEqual(EMPTY_STREAM);
  });

  test("a foreign value under one session's key holds up that session only", async () => {
    const broken = announce(chain, sessionOf("broken"));
    await own.redis.commands.send("SET", own.keys.trieNodes(SUPPLIER, broken.sessionId), "text");
    await world.publish(broken, 1);
    await world.publish(session, 1);
    await world.consume(worker);
    expect(await totals()).toMatchObject({ count: 1n });
    expect(await lag()).toMatchObject({ length: 1, pending: 1 });
  });
});

describe("a lease that is lost", () => {
  test("fenced: nothing changes, it is told, and the entries stay for the new owner", async () => {
    await world.publish(session, 1);
    await world.consume(worker);
    const before = await liveRoot();
    await own.redis.commands.send("DEL", own.keys.supplierLease(SUPPLIER));
    const other = await minerWorld({ own, chain, id: "m2" });
    const heir = await other.begin();
    await world.publish(session, 2);
    await world.consume(worker);
    expect(world.fenced).toEqual([worker.lease]);
    expect(await liveRoot()).toEqual(before);
    expect(await lag()).toMatchObject({ length: 1, pending: 1 });
    await expect(worker.seal(session)).resolves.toBeUndefined();
    expect((await world.store(session).state()).sealedRoot).toBeUndefined();
    await heir.apply(await other.reader.reclaim(SUPPLIER, { minIdleMs: 0, count: 10 }));
    expect(await liveRoot()).toEqual(Buffer.from(rootOf(session, [1, 2])));
  });

  test("after the end by the clock, or after stop, nothing is started any more", async () => {
    let held = true;
    const timed = await minerWorld({ own, chain, holds: () => held });
    const late = timed.workerWith(worker.lease);
    await world.publish(session, 1);
    const { batches } = await world.reader.read([SUPPLIER], { count: 10, blockMs: 1 });
    const entries = batches[0]?.entries ?? [];
    held = false;
    await late.apply(entries);
    expect(late.stopped).toBe(true);
    await worker.stop();
    await worker.apply(entries);
    expect(await worker.seal(session)).toBeUndefined();
    expect(await liveRoot()).toBeUndefined();
    expect(await lag()).toMatchObject({ length: 1, pending: 1 });
  });
});

describe("sealing and proving", () => {
  test("a session without leaves cannot be sealed", async () => {
    await expect(worker.seal(session)).rejects.toMatchObject({ code: "SMST_EMPTY" });
  });

  test("a seal made on a stale trie is made anew on what Redis has", async () => {
    await world.publish(session, 1);
    await world.consume(worker);
    const other = world.workerWith(worker.lease);
    await world.publish(session, 2);
    await world.consume(other);
    expect(await worker.seal(session)).toEqual(Buffer.from(rootOf(session, [1, 2])));
  });

  test("nodes that Redis has lost make no proof, and an unsealed trie none either", async () => {
    await world.publish(session, ...numbers(20));
    await world.consume(worker);
    await expect(
      worker.exclusive(() => worker.trie(session).prove(new Uint8Array(32))),
    ).rejects.toMatchObject({
      code: "PROOF_INVALID",
    });
    await worker.seal(session);
    await own.redis.commands.send("DEL", own.keys.trieNodes(SUPPLIER, session.sessionId));
    await expect(
      worker.exclusive(() => worker.trie(session).prove(new Uint8Array(32))),
    ).rejects.toMatchObject({
      code: "SMST_NODE_MISSING",
    });
  });
});
