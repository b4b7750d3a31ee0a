import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { equalBytes, fromHex, toHex } from "../../src/base/bytes.ts";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { type MsgSubmitProof, ProofValidationStatus } from "../../src/chain/proto/proof.ts";
import { rootTotals } from "../../src/chain/protocol/claim.ts";
import { proofPath } from "../../src/chain/protocol/proof-path.ts";
import type { SupplierWorker } from "../../src/runtime/miner/worker.ts";
import { textsOf } from "../../src/runtime/redis/reply.ts";
import { isTerminal, SESSION_STATES, type SessionIdentity } from "../../src/runtime/redis/session-record.ts";
import { decodeClosestProof } from "../../src/smst/gob.ts";
import { verifyClosestProof } from "../../src/smst/verify.ts";
import { FAULTS, type Fault, faultyProcess, type Process } from "../kit/faults.ts";
import { announce, type MinerWorld, minerWorld, SUPPLIER, sessionOf } from "../kit/miner-world.ts";
import { type TestRedis, testRedis } from "../kit/redis-fleet.ts";
import { runningTime } from "../kit/running-time.ts";
import { ScriptedChain, seedHash } from "../kit/scripted-chain.ts";

let own: TestRedis;
beforeAll(async () => {
  own = await testRedis();
  const blocking = await own.redis.openBlocking("streams");
  own = { ...own, redis: { ...own.redis, openBlocking: async () => blocking } };
});
afterAll(() => own.close());

const RELAYS = 6;
/** Which relays come at which height: until the claim window opens, and one too late. */
const COME = new Map([
  [15n, [0, 1]],
  [19n, [2]],
  [21n, [3]],
  [22n, [4, 5]],
  [25n, [6]],
]);
const FIRST_HEIGHT = 15n;
const LAST_HEIGHT = 36n;
/** RELAYMINER_FAULTS=all lets every step fail in every way, which takes minutes. */
const EVERY = process.env["RELAYMINER_FAULTS"] === "all" ? 1 : 9;

/** The chain of one session: transactions land in the next block, claims and proofs are checked, block 31 settles. */
class SettlingChain extends ScriptedChain {
  readonly session = announce(this, sessionOf("faults"));
  readonly roots = new Set<string>();
  /** What would cost stake, or says that somebody counts windows wrongly. */
  readonly wrong: string[] = [];
  /** What landed after its window. */
  readonly late: string[] = [];
  readonly #mempool: ScriptedChain["sent"] = [];

  constructor() {
    super();
    this.onBroadcast = (sent) => {
      this.#mempool.push(sent);
      return {};
    };
  }

  block(height: bigint): void {
    this.height = height;
    for (const sent of this.#mempool.splice(0)) {
      for (const { rootHash } of sent.claims) this.roots.add(toHex(rootHash));
      if (sent.claims.length > 0 && this.#isIn("claim", height, 22n, 26n)) this.include(sent);
      for (const proof of sent.proofs) if (this.#isIn("proof", height, 27n, 31n)) this.#prove(proof, height);
    }
    if (height === 31n) this.#settle();
  }

  /** Sent at `open` at the earliest, a transaction lands a block later. */
  #isIn(what: string, height: bigint, open: bigint, close: bigint): boolean {
    if (height <= open) this.wrong.push(`a ${what} at ${height}`);
    if (height > close) this.late.push(`a ${what} at ${height}`);
    return height > open && height <= close;
  }

  #prove({ proof, sessionHeader }: MsgSubmitProof, height: bigint): void {
    const claim = this.claims.get(sessionHeader?.sessionId ?? "");
    const decoded = decodeClosestProof(proof);
    const isOfSeed = equalBytes(decoded.path, proofPath(seedHash(26n), this.session.sessionId));
    if (claim === undefined || !isOfSeed || !verifyClosestProof(decoded, claim.rootHash))
      return void this.wrong.push(`a proof at ${height}`);
    this.claims.set(this.session.sessionId, {
      ...claim,
      proofValidationStatus: ProofValidationStatus.validated,
    });
  }

  #settle(): void {
    const { sessionId, application, serviceId, endHeight } = this.session;
    const claim = this.claims.get(sessionId);
    this.claims.clear();
    if (claim === undefined) return;
    const isProven = claim.proofValidationStatus === ProofValidationStatus.validated;
    const attributes = {
      supplier_operator_address: SUPPLIER,
      application_address: application,
      service_id: serviceId,
      session_end_block_height: endHeight.toString(),
      session_id: sessionId,
      claim_proof_status_int: "1",
      num_relays: rootTotals(claim.rootHash).count.toString(),
      claimed_upokt: "500upokt",
      settled_upokt: "400upokt",
      expiration_reason: "PROOF_MISSING",
    };
    this.events.set(31n, [
      {
        type: `pocket.tokenomics.${isProven ? "EventClaimSettled" : "EventClaimExpired"}`,
        attributes: Object.entries(attributes).map(([key, value]) => ({ key, value: JSON.stringify(value) })),
      },
    ]);
  }
}

type Miner = {
  readonly fault: Fault | undefined;
  readonly process: Process;
  readonly world: MinerWorld;
  readonly worker: SupplierWorker;
  /** What it does at a height. */
  turn: Promise<unknown>;
  /** The height it wakes at. */
  sleepsTo?: bigint | undefined;
};

/** Miners of one session: the next takes over when one is gone. One that was asleep goes on beside its heir, until it hears of it. */
class Fleet {
  readonly #chain: SettlingChain;
  readonly #faults: readonly (Fault | undefined)[];
  readonly #clock: Clock;
  readonly #miners: Miner[] = [];

  constructor(chain: SettlingChain, faults: readonly Fault[], clock: Clock) {
    [this.#chain, this.#faults, this.#clock] = [chain, faults, clock];
  }

  steps(): number[] {
    return this.#miners.map(({ process }) => process.steps);
  }

  /** All that work do what is due at a height, at once. */
  async work(height: bigint): Promise<void> {
    if (this.#miners.length === 0) await this.#takeOver();
    for (const miner of this.#miners) {
      if (miner.process.state === "works" && miner.world.fenced.length === 0)
        miner.turn = turn(miner, height);
      if ((miner.sleepsTo ?? height + 1n) <= height) wake(miner);
    }
    while (await this.#isGone(this.#owner())) {
      const owner = this.#owner();
      const heir = await this.#takeOver();
      heir.turn = turn(heir, height);
      if (owner.process.state === "asleep") sleepTo(owner, height + BigInt(owner.fault?.sleeps ?? 0), height);
    }
    await Promise.all(
      this.#miners.map(({ process, turn: work }) => (process.state === "works" ? work : undefined)),
    );
  }

  /** Whether it is gone before its turn ends. */
  async #isGone({ turn: work, process }: Miner): Promise<boolean> {
    return (await Promise.race([work, process.gone])) === "gone";
  }

  #owner(): Miner {
    const owner = this.#miners.at(-1);
    if (owner === undefined) throw new Error("nobody has the lease");
    return owner;
  }

  async #takeOver(): Promise<Miner> {
    await own.redis.commands.send("DEL", own.keys.supplierLease(SUPPLIER));
    const id = `m${this.#miners.length}`;
    const fault = this.#faults[this.#miners.length];
    const process = faultyProcess(own.redis, this.#chain, fault);
    const to = { own: { ...own, redis: process.redis }, chain: process.chain };
    const world = await minerWorld({ ...to, id, clock: this.#clock });
    const miner: Miner = { fault, process, world, worker: await world.begin(), turn: Promise.resolve() };
    this.#miners.push(miner);
    process.begin();
    return miner;
  }
}

function sleepTo(miner: Miner, height: bigint, now: bigint): void {
  miner.sleepsTo = height;
  if (height === now) wake(miner);
}

function wake(miner: Miner): void {
  miner.sleepsTo = undefined;
  miner.process.wake();
}

/** Relays that come while a claim waits for them are applied beside it. */
async function turn({ process, world, worker }: Miner, height: bigint): Promise<void> {
  await consume(world, worker);
  const look = world.look(worker, height).catch(() => undefined);
  const ended = look.then(() => "ended");
  do await consume(world, worker);
  while (process.state !== "dead" && (await Promise.race([ended, systemClock.sleep(5)])) !== "ended");
  await look;
}

async function consume({ reader }: MinerWorld, worker: SupplierWorker): Promise<void> {
  // A read that finds nothing waits for a tenth of a second, however short a time it asks for.
  if ((await own.redis.commands.send("XLEN", own.keys.stream(SUPPLIER))) === 0) return;
  try {
    const old = await reader.reclaim(SUPPLIER, { minIdleMs: 0, count: 100 });
    if (old.length > 0) await worker.apply(old);
    const { batches } = await reader.read([SUPPLIER], { count: 100, blockMs: 1 });
    for (const { entries } of batches) await worker.apply(entries);
  } catch {
    // Tried again.
  }
}

/** One session with six relays, from the first of them to its settlement. */
async function live(faults: readonly Fault[]) {
  await own.redis.commands.send("FLUSHALL");
  own.logger.lines.length = 0;
  const chain = new SettlingChain();
  const { session } = chain;
  let skew = 0;
  // What the chain could not be asked is asked again after a second. A claim's patience does not end while the machine stands still.
  const clock: Clock = { ...systemClock, monotonic: () => runningTime() + skew };
  const watcher = await minerWorld({ own, chain, id: "watcher" });
  const fleet = new Fleet(chain, faults, clock);
  const ends = new Set<string>();
  let sentWhenOver: number | undefined;
  for (let height = FIRST_HEIGHT; height <= LAST_HEIGHT; height++) {
    skew += 2_000;
    chain.block(height);
    await watcher.publish(session, ...(COME.get(height) ?? []));
    await fleet.work(height);
    const state = (await watcher.sessions.load(SUPPLIER, session.sessionId))?.state;
    if (state === undefined || (!isTerminal(state) && ends.size === 0)) continue;
    ends.add(state);
    sentWhenOver ??= chain.sent.length;
  }
  // As every miner does every two seconds: what was deleted and not acknowledged is acknowledged.
  await watcher.reader.reclaim(SUPPLIER, { minIdleMs: 0, count: 100 });
  return { chain, session, watcher, steps: fleet.steps(), ends: [...ends], sentWhenOver };
}

/** In which sets of states Redis has the session. */
async function setsOf({ sessionId }: SessionIdentity): Promise<string[]> {
  const found: string[] = [];
  for (const state of SESSION_STATES) {
    const members = textsOf(
      await own.redis.commands.send("SMEMBERS", own.keys.sessionState(SUPPLIER, state)),
    );
    if (members.includes(sessionId)) found.push(state);
  }
  return found;
}

/** Everything that must hold whatever happened on the way. */
async function outcomeOf(...faults: Fault[]) {
  const { chain, session, watcher, steps, ends, sentWhenOver } = await live(faults);
  const { settlementOutcome, settlementPaid } = await watcher.record(session);
  const [root] = chain.roots;
  // Who falls asleep right before he sends does send, once, when he wakes: a fee, no more.
  const sleepers = faults.filter(({ how }) => how === "asleep").length;
  return {
    steps,
    transactions: chain.sent.length,
    outcome: {
      roots: chain.roots.size,
      claimed: root === undefined ? 0n : rootTotals(fromHex(root)).count,
      wrong: chain.wrong,
      late: chain.late.slice(sleepers),
      ends,
      sentWhenOver: Math.max(0, chain.sent.length - (sentWhenOver ?? 0) - sleepers),
      settlement: settlementOutcome,
      paid: settlementPaid,
      sets: await setsOf(session),
      stream: await watcher.reader.lag(SUPPLIER),
      nodes: await watcher.store(session).nodeCount(),
      deadLetters: await own.redis.commands.send("XLEN", own.keys.deadLetters(SUPPLIER)),
    },
  };
}

const PAID = {
  roots: 1,
  claimed: BigInt(RELAYS),
  wrong: [],
  late: [],
  ends: ["proved"],
  sentWhenOver: 0,
  settlement: "settled_proven",
  paid: 400n,
  sets: ["proved"],
  stream: { length: 0, pending: 0, oldestMs: undefined },
  nodes: 0,
  deadLetters: 0,
};

test("a session is paid once and ends once, whichever step of its life fails, is lost, kills its miner or finds it asleep", async () => {
  const { outcome, steps, transactions } = await outcomeOf();
  expect({ outcome, transactions }).toEqual({ outcome: PAID, transactions: 2 });
  const all = Array.from({ length: steps[0] ?? 0 }, (_, at) => FAULTS.map((how) => ({ at, how }))).flat();
  expect(all.length).toBeGreaterThan(500);
  for (const [index, drawn] of all.entries()) {
    if (index % EVERY !== 0) continue;
    const fault = { ...drawn, sleeps: drawn.at % 5 };
    const { outcome } = await outcomeOf(fault);
    expect({ fault, outcome }).toEqual({ fault, outcome: PAID });
  }
});

test("also when its heirs fare no better", async () => {
  const fault = fc.record({ at: fc.nat(150), how: fc.constantFrom(...FAULTS), sleeps: fc.nat(10) });
  await fc.assert(
    fc.asyncProperty(fc.array(fault, { minLength: 2, maxLength: 3 }), async (faults) => {
      expect((await outcomeOf(...faults)).outcome).toEqual(PAID);
    }),
    EVERY === 1 ? { numRuns: 1_000 } : { numRuns: 100, seed: 1 },
  );
});
