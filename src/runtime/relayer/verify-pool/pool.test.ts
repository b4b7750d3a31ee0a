import { afterEach, expect, test } from "vitest";
import { signersOf, spoiled } from "../../../../test/kit/verify-jobs.ts";
import { type Clock, systemClock } from "../../../base/clock.ts";
import type { Logger } from "../../../base/logger.ts";
import type { RingJob } from "../../../chain/protocol/ring/kernel/verifier.ts";
import { relayerMetrics } from "../metrics.ts";
import type { VerifyJob } from "./job.ts";
import { DEADLINE_MS, VerifyPool, type VerifyPoolGiven } from "./pool.ts";
import { openPoolVerifiers } from "./verifiers.ts";

const quiet: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
const real = openPoolVerifiers({ megabytes: 64, tables: "small" }, systemClock.monotonic);
const accounts = ["a", "b", "c"].map((name) => signersOf(name));
const [a, b] = accounts as [(typeof accounts)[0], (typeof accounts)[0]];

const imageOfGateway = a.sign("any").signature.subarray(36, 69).join();

const opened: VerifyPool[] = [];
afterEach(async () => {
  for (const pool of opened.splice(0)) await pool.close();
});

/** A pool without workers, and what was verified in which batches. */
function openPool(given: Partial<VerifyPoolGiven> = {}) {
  const batches: RingJob[][] = [];
  const metrics = relayerMetrics();
  const verifiers = {
    ...real,
    manyAtDoor: (jobs: readonly RingJob[]) => {
      batches.push([...jobs]);
      return real.manyAtDoor(jobs);
    },
  };
  const pool = new VerifyPool({
    verifiers,
    workers: 0,
    spawn: () => {
      throw new Error("no workers here");
    },
    limit: 1_000,
    isBusy: () => false,
    // Nothing waits too long, however busy the machine is.
    clock: { ...systemClock, monotonic: () => 0 },
    logger: quiet,
    metrics: metrics.verification,
    ...given,
  });
  opened.push(pool);
  const counted = async (name: string) => (await metrics.registry.getSingleMetric(name)?.get())?.values ?? [];
  return { pool, batches, counted };
}

/** The gateway is no stranger from here on. */
async function meet(pool: VerifyPool, batches: RingJob[][] = []): Promise<void> {
  expect(await pool.verify(a.sign("met"))).toEqual({ ok: true });
  batches.length = 0;
}

/** The system's clock, as far ahead as is wanted. */
function movable(): { clock: Clock; ahead: (ms: number) => void } {
  let offset = 0;
  return {
    clock: { ...systemClock, monotonic: () => systemClock.monotonic() + offset },
    ahead: (ms) => {
      offset += ms;
    },
  };
}

const overloaded = (text: string) =>
  expect.objectContaining({ code: "overloaded", message: expect.stringContaining(text) });

test("what comes in one turn of the loop is verified together, eight at a time, each with its own verdict", async () => {
  const { pool, batches } = openPool();
  await meet(pool, batches);
  const jobs = Array.from({ length: 12 }, (_, index) => {
    const job = a.sign(`${index}`);
    return index % 4 === 3 ? spoiled(job, 0, b.ring) : job;
  });
  // as the relay path does: after some microtasks
  const verdicts = await Promise.all(
    jobs.map(async (job) => {
      await Promise.resolve();
      return pool.verify(job);
    }),
  );
  expect(verdicts.map(({ ok }) => ok)).toEqual(jobs.map((_, index) => index % 4 !== 3));
  expect(batches.map(({ length }) => length)).toEqual([8, 4]);
});

test("a flood of one application does not delay another's, and the loop goes on turning", async () => {
  const { pool, batches } = openPool();
  await meet(pool, batches);
  const flood = Array.from({ length: 400 }, (_, index) => a.sign(`${index}`));
  const order: string[] = [];
  const say = async (name: string, job: VerifyJob) => {
    await pool.verify(job);
    order.push(name);
  };
  const all = [...flood.map((job) => say("flood", job)), say("b", b.sign("1")), say("b", b.sign("2"))];
  let turns = 0;
  const turn = () => {
    turns += 1;
    if (order.length < all.length) setImmediate(turn);
  };
  setImmediate(turn);
  await Promise.all(all);
  expect(order.lastIndexOf("b")).toBeLessThan(8);
  // sixteen a turn at most
  expect(turns).toBeGreaterThanOrEqual(flood.length / 16);
  expect(Math.max(...batches.map(({ length }) => length))).toBe(8);
});

/** A signature of the ring with a key image that nobody has, which costs more than one with a known image. */
function strange(job: VerifyJob, name: string): VerifyJob {
  const signature = Uint8Array.from(job.signature);
  signature.set(signersOf(name).ring.members[0]?.publicKey ?? new Uint8Array(33), 36);
  return { ...job, signature };
}

test("strangers by the hundred do not delay who is known, and are verified all the same", async () => {
  const { pool, batches } = openPool();
  await meet(pool, batches);
  const order: string[] = [];
  const say = (name: string, job: VerifyJob) => pool.verify(job).then(() => order.push(name));
  const flood = Array.from({ length: 200 }, (_, index) =>
    say("stranger", strange(a.sign(`${index}`), `s${index}`)),
  );
  const known = Array.from({ length: 12 }, (_, index) => say("known", a.sign(`known ${index}`)));
  await Promise.all([...flood, ...known]);
  expect(order.lastIndexOf("known")).toBeLessThan(12 * 1.5);
  expect(order.length).toBe(212);
  const isKnown = ({ signature }: RingJob) => signature.subarray(36, 69).join() === imageOfGateway;
  const strangers = batches.map((batch) => batch.filter((job) => !isKnown(job)).length);
  expect(Math.max(...strangers)).toBe(2);
});

test("strangers may wait in half of the places, whatever their accounts", async () => {
  const { pool } = openPool({ limit: 40 });
  await meet(pool);
  const flood = accounts.flatMap((signers) =>
    Array.from({ length: 40 }, (_, index) => pool.verify(strange(signers.sign(`${index}`), `s${index}`))),
  );
  const settled = Promise.allSettled(flood);
  expect(pool.figures().waiting).toBeLessThanOrEqual(20);
  expect(await pool.verify(a.sign("1"))).toEqual({ ok: true });
  await settled;
});

test("after many bad signatures by strangers an application's strangers are refused; who is known is not, nor another's", async () => {
  let time = 0;
  const { pool, counted } = openPool({ clock: { ...systemClock, monotonic: () => time } });
  await meet(pool);
  const unchecked = expect.objectContaining({ code: "signature_unchecked" });
  const bad = (name: string) => pool.verify(strange(a.sign(name), name));
  const isJudged = (name: string) =>
    bad(name).then(
      ({ ok }) => !ok,
      () => false,
    );
  let judged = 0;
  while (judged < 2_000 && (await isJudged(`bad ${judged}`))) judged += 1;
  expect(judged).toBe(500);
  const newcomer = signersOf("a", "another gateway");
  expect(await Promise.allSettled([pool.verify(newcomer.sign("1"))])).toMatchObject([{ reason: unchecked }]);
  expect(await pool.verify(a.sign("known"))).toEqual({ ok: true });
  expect((await pool.verify(strange(b.sign("x"), "x"))).ok).toBe(false);
  time += 21;
  expect(await pool.verify(newcomer.sign("1"))).toEqual({ ok: true });
  for (let index = 0; index < 100; index++) await isJudged(`again ${index}`);
  expect(await pool.verify(newcomer.sign("2"))).toEqual({ ok: true });
  const refused = await counted("ha_relayer_verify_refused_total");
  expect(refused.find(({ labels }) => labels["reason"] === "strangers")?.value).toBeGreaterThan(1);
});

test("a new gateway that is no member of the ring yet is still heard when it is one", async () => {
  const { pool } = openPool({ clock: { ...systemClock, monotonic: () => 0 } });
  const newcomer = signersOf("a", "another gateway");
  for (let index = 0; index < 600; index++)
    expect(await pool.verify({ ...newcomer.sign("early"), ring: a.ring })).toMatchObject({
      reason: "not_a_member",
    });
  expect(await pool.verify(newcomer.sign("1"))).toEqual({ ok: true });
});

test("no more wait than may, one application with half of them, and what is refused is counted", async () => {
  const { pool, counted } = openPool({ limit: 20 });
  await meet(pool);
  const offered = Array.from({ length: 30 }, (_, index) => pool.verify(a.sign(`${index}`)));
  expect(pool.figures().waiting).toBe(10);
  const another = pool.verify(b.sign("1"));
  const results = await Promise.allSettled(offered);
  expect(results.filter(({ status }) => status === "fulfilled").length).toBe(10);
  const refused = results.filter((result) => result.status === "rejected");
  expect(refused.map(({ reason }) => reason)).toEqual(
    Array.from({ length: 20 }, () => overloaded("too many signatures wait")),
  );
  expect(await another).toEqual({ ok: true });
  expect(await counted("ha_relayer_verify_refused_total")).toEqual([
    { labels: { reason: "queue_full" }, value: 20 },
  ]);
  expect(await counted("ha_relayer_verified_total")).toEqual([{ labels: { place: "inline" }, value: 12 }]);
  expect(pool.figures().waiting).toBe(0);
});

test("what waited too long is refused and not verified", async () => {
  const { clock, ahead } = movable();
  const { pool, batches, counted } = openPool({ clock });
  await meet(pool, batches);
  const late = pool.verify(a.sign("1"));
  ahead(DEADLINE_MS + 1);
  const inTime = pool.verify(a.sign("2"));
  await expect(late).rejects.toEqual(overloaded("not verified in time"));
  expect(await inTime).toEqual({ ok: true });
  expect(batches.map(({ length }) => length)).toEqual([1]);
  expect(await counted("ha_relayer_verify_refused_total")).toEqual([
    { labels: { reason: "late" }, value: 1 },
  ]);
});

test("a signature that is longer than any of its ring is refused at once, without a place in the queue", async () => {
  const { pool, batches } = openPool({ limit: 1 });
  const { ring, digest } = a.sign("1");
  for (const length of [400_000, 69 + 65 * 4 + 1]) {
    const verdict = await pool.verify({ ring, digest, signature: new Uint8Array(length), account: "a" });
    expect(verdict.ok).toBe(false);
  }
  expect(batches).toEqual([]);
});

test("close gives what was accepted its verdict, and refuses what comes after", async () => {
  const { pool } = openPool();
  const accepted = Array.from({ length: 100 }, (_, index) => pool.verify(a.sign(`${index}`)));
  const closing = pool.close();
  await expect(pool.verify(a.sign("after"))).rejects.toMatchObject({ code: "draining" });
  await closing;
  expect(await Promise.all(accepted)).toEqual(accepted.map(() => ({ ok: true })));
});

test("a verifier that throws refuses those relays, and the next ones are verified", async () => {
  const problems = [new Error("broken")];
  const { pool } = openPool({
    verifiers: {
      ...real,
      manyAtDoor: (jobs) => {
        const problem = problems.pop();
        if (problem !== undefined) throw problem;
        return real.manyAtDoor(jobs);
      },
    },
  });
  await expect(pool.verify(a.sign("1"))).rejects.toMatchObject({ code: "internal" });
  expect(await pool.verify(a.sign("2"))).toEqual({ ok: true });
});

test("where no worker can be started, this thread verifies", async () => {
  const { pool, counted } = openPool({ workers: 2 });
  const verdicts = await Promise.all(accounts.map((signers) => pool.verify(signers.sign("1"))));
  expect(verdicts).toEqual(accounts.map(() => ({ ok: true })));
  expect((await counted("ha_relayer_verify_worker_restarts_total"))[0]?.value).toBeGreaterThanOrEqual(2);
});

test("an application has a few special cases judged, then they are refused for what they are; nobody else notices", async () => {
  const own = openPoolVerifiers({ megabytes: 64, tables: "small" }, systemClock.monotonic);
  const { pool } = openPool({ verifiers: own });
  // With all scalars zero, every sum is the point at infinity.
  const contrived = ({ sign }: typeof a): VerifyJob => {
    const job = sign("1");
    const signature = Uint8Array.from(job.signature).fill(0, 4, 36);
    for (let scalar = 69; scalar < signature.length; scalar += 65) signature.fill(0, scalar, scalar + 32);
    return { ...job, signature };
  };
  const jobs = [...Array.from({ length: 20 }, () => contrived(a)), contrived(b), a.sign("1")];
  const verdicts = await Promise.all(jobs.map(pool.verify));
  const words = verdicts.map((verdict) => (verdict.ok ? "good" : verdict.reason));
  expect(words.filter((word) => word === "does_not_verify").length).toBeLessThanOrEqual(8);
  expect(words.filter((word) => word === "too_many_special_cases").length).toBeGreaterThanOrEqual(13);
  expect(words.slice(-2)).toEqual(["does_not_verify", "good"]);
  expect(pool.figures()).toMatchObject({ slowRefused: expect.any(Number) });
  expect(pool.figures().slow + pool.figures().slowRefused).toBeGreaterThanOrEqual(21);
});
