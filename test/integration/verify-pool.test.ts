import { fileURLToPath, pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { afterEach, expect, test } from "vitest";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import type { LogFields, Logger } from "../../src/base/logger.ts";
import { ringVerifiers } from "../../src/chain/protocol/ring/curve-verifier.ts";
import { fastestCurve } from "../../src/chain/protocol/ring/fastest-curve.ts";
import { relayerMetrics } from "../../src/runtime/relayer/metrics.ts";
import { VerifyPool, type VerifyPoolGiven } from "../../src/runtime/relayer/verify-pool/pool.ts";
import { openPoolVerifiers, type VerifierSettings } from "../../src/runtime/relayer/verify-pool/verifiers.ts";
import { signersOf, spoiled } from "../kit/verify-jobs.ts";

// The worker that `npm run build` made: Node 20 runs no TypeScript.
const ROOT = process.env["RELAYMINER_ROOT"] ?? fileURLToPath(new URL("../..", import.meta.url));
const FOLDER = `${ROOT}/dist/runtime/relayer/verify-pool`;
const WORKER = pathToFileURL(`${FOLDER}/worker.js`);

const settings: VerifierSettings = { megabytes: 64, tables: "small" };
const verifiers = openPoolVerifiers(settings, systemClock.monotonic);
const plain = ringVerifiers(fastestCurve).atDoor;
const signers = Array.from({ length: 12 }, (_, index) => signersOf(`application ${index}`));
const at = <Item>(list: readonly Item[], index: number): Item => {
  const item = list[index % list.length];
  if (item === undefined) throw new Error("an empty list");
  return item;
};
const signed = (index: number) => at(signers, index).sign(`relay ${index}`);
const GOOD = { ok: true };
const VERIFIED = "ha_relayer_verified_total";

const opened: VerifyPool[] = [];
afterEach(async () => {
  for (const pool of opened.splice(0)) await pool.close();
});

type Opened = {
  readonly pool: VerifyPool;
  /** Every worker that was started, in their order. */
  readonly threads: readonly Worker[];
  readonly warnings: readonly { readonly fields: LogFields; readonly message: string }[];
  /** Of the series with that label's value; 0 if there is none. */
  readonly counted: (name: string, label?: string) => Promise<number>;
};

/** A pool that ships whatever it may, unless told otherwise, once its workers are ready. */
async function openPool(given: Partial<VerifyPoolGiven> = {}, code: URL = WORKER): Promise<Opened> {
  const metrics = relayerMetrics();
  const threads: Worker[] = [];
  const warnings: { fields: LogFields; message: string }[] = [];
  let ready = 0;
  const logger: Logger = {
    debug: (_, message) => {
      if (message === "a verification worker is ready") ready += 1;
    },
    info: () => undefined,
    warn: (fields, message) => warnings.push({ fields, message }),
    error: (fields, message) => warnings.push({ fields, message }),
  };
  const workers = given.workers ?? 2;
  const pool = new VerifyPool({
    verifiers,
    workers,
    spawn: (name) => {
      const worker = new Worker(code, { name, workerData: settings });
      threads.push(worker);
      return worker;
    },
    limit: 4_096,
    isBusy: () => true,
    clock: systemClock,
    logger,
    metrics: metrics.verification,
    ...given,
  });
  opened.push(pool);
  while (ready < workers) await systemClock.sleep(5);
  const counted = async (name: string, label?: string) => {
    const values = (await metrics.registry.getSingleMetric(name)?.get())?.values ?? [];
    return values.find(({ labels }) => Object.values(labels)[0] === label)?.value ?? 0;
  };
  return { pool, threads, warnings, counted };
}

/** A worker of other code, which sees the built modules as `desk` and `verifiers`. */
const codeOf = (lines: string): URL =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`
      import { parentPort, workerData } from "node:worker_threads";
      import { WorkerDesk } from "${pathToFileURL(`${FOLDER}/worker-desk.js`)}";
      import { openPoolVerifiers } from "${pathToFileURL(`${FOLDER}/verifiers.js`)}";
      parentPort.postMessage({ kind: "ready", verifier: "kernel", refusal: undefined });
      ${lines}`)}`,
  );

test("over thousands of good and bad signatures, two workers and this thread give the plain verifier's verdicts", async () => {
  let turn = 0;
  // Now shipped, now verified here.
  const { pool, counted } = await openPool({ isBusy: () => turn % 3 !== 0 });
  const jobs = Array.from({ length: 3_000 }, (_, index) => {
    const job = signed(index);
    return index % 3 === 0 ? spoiled(job, index * 7, at(signers, index + 1).ring) : job;
  });
  const expected = jobs.map(({ ring, digest, signature }) => plain(ring, digest, signature));
  expect(expected.filter(({ ok }) => ok).length).toBeGreaterThan(1_900);
  expect(new Set(expected.map((verdict) => (verdict.ok ? "good" : verdict.reason))).size).toBeGreaterThan(5);
  for (let next = 0; next < jobs.length; turn++) {
    const size = 1 + ((turn * 37) % (turn % 3 === 0 ? 4 : 90));
    const verdicts = await Promise.all(jobs.slice(next, next + size).map(pool.verify));
    expect(verdicts).toEqual(expected.slice(next, next + size));
    next += size;
  }
  expect(await counted(VERIFIED, "worker")).toBeGreaterThan(1_000);
  expect(await counted(VERIFIED, "inline")).toBeGreaterThan(40);
  const { workers, inline } = pool.figures();
  expect(Math.min(workers.tables, inline.tables)).toBeGreaterThan(0);
});

test("the tables of an application are in one worker only", async () => {
  const { pool } = await openPool();
  for (let turn = 0; turn < 4; turn++)
    await Promise.all(Array.from({ length: 47 }, (_, index) => pool.verify(signed(turn * 47 + index))));
  const ofSelfTest = openPoolVerifiers(settings, systemClock.monotonic).counts()?.tables ?? 0;
  // Two of each application's key, and once for each worker the gateway's two and its key image's.
  expect(pool.figures().workers.tables - 2 * ofSelfTest).toBe(2 * signers.length + 2 * 3);
});

test("a worker that ends with jobs in work loses none of them, and another one takes its place", async () => {
  // It keeps its second batch, or it might be done with it before it is ended.
  const keeping = codeOf(`
    const desk = new WorkerDesk(openPoolVerifiers(workerData, () => performance.now()));
    let batches = 0;
    parentPort.on("message", (batch) => {
      if (++batches !== 2) parentPort.postMessage(desk.answer(batch));
    });`);
  const { pool, threads, warnings, counted } = await openPool({ workers: 1 }, keeping);
  // Of strangers a batch has fewer.
  expect(await pool.verify(signed(0))).toEqual(GOOD);
  const verdicts = Promise.all(Array.from({ length: 500 }, (_, index) => pool.verify(signed(index))));
  // After the flush that sends the first batches.
  await new Promise((resolve) => setImmediate(resolve));
  await threads[0]?.terminate();
  expect(await verdicts).toEqual(Array.from({ length: 500 }, () => GOOD));
  expect(warnings).toEqual([
    {
      fields: expect.objectContaining({ worker: "verify-0", verifiedHere: 64 }),
      message: "a verification worker ended; another one is started",
    },
  ]);
  expect(await counted("ha_relayer_verify_worker_restarts_total")).toBe(1);
  const before = await counted(VERIFIED, "worker");
  const deadline = performance.now() + 20_000;
  let after = before;
  for (let index = 0; after === before && performance.now() < deadline; index++) {
    await systemClock.sleep(20);
    expect(await pool.verify(signed(index))).toEqual(GOOD);
    after = await counted(VERIFIED, "worker");
  }
  expect(threads.length).toBe(2);
  expect(after).toBeGreaterThan(before);
});

test("a worker that throws at every batch is started less and less often, and every relay has its verdict", async () => {
  const throwing = codeOf(`parentPort.on("message", () => { throw new Error("worn out"); });`);
  const { pool, threads, warnings } = await openPool({ workers: 1 }, throwing);
  const end = performance.now() + 2_500;
  // On a busy machine it takes a worker longer to come up than to wait for its turn.
  const isEnough = () => performance.now() > end && (threads.length > 3 || performance.now() > end + 30_000);
  for (let index = 0; !isEnough(); index++) {
    expect(await pool.verify(signed(index))).toEqual(GOOD);
    await systemClock.sleep(5);
  }
  // After 0.1, 0.2, 0.4, 0.8 and 1.6 s.
  expect(threads.length).toBeGreaterThanOrEqual(3);
  expect(threads.length).toBeLessThanOrEqual(6);
  expect(warnings.slice(0, 3).map(({ fields }) => [fields["why"], fields["restartMs"]])).toEqual([
    ["worn out", 100],
    ["worn out", 200],
    ["worn out", 400],
  ]);
});

test("a worker that does not know a ring any more gets it again", async () => {
  const forgetful = codeOf(`
    const verifiers = openPoolVerifiers(workerData, () => performance.now());
    let [desk, batches] = [new WorkerDesk(verifiers), 0];
    parentPort.on("message", (batch) => {
      if (++batches === 5) desk = new WorkerDesk(verifiers);
      parentPort.postMessage(desk.answer(batch));
    });`);
  const { pool, counted, warnings } = await openPool({ workers: 1 }, forgetful);
  for (let turn = 0; turn < 20; turn++) {
    const jobs = Array.from({ length: 24 }, (_, index) => signed(turn * 24 + index));
    const last = jobs.pop();
    if (last !== undefined) jobs.push(spoiled(last, 0, last.ring));
    const verdicts = await Promise.all(jobs.map(pool.verify));
    expect(verdicts.map(({ ok }) => ok)).toEqual(jobs.map((_, index) => index !== 23));
  }
  const [worker, inline] = [await counted(VERIFIED, "worker"), await counted(VERIFIED, "inline")];
  expect(worker + inline).toBe(480);
  // What it had forgotten was verified here, in one batch or two of 24; what came after, there.
  expect(inline).toBeGreaterThan(0);
  expect(inline).toBeLessThanOrEqual(48);
  expect(warnings).toEqual([]);
});

test("a worker that does not answer is ended; what it had is refused as too late, and the next relays are verified", async () => {
  let ahead = 0;
  const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + ahead };
  const silent = codeOf(`parentPort.on("message", () => undefined);`);
  const { pool, warnings } = await openPool({ workers: 1, clock }, silent);
  const stuck = Promise.allSettled([pool.verify(signed(1)), pool.verify(signed(2))]);
  await new Promise((resolve) => setImmediate(resolve));
  ahead = 31_000;
  const late = { status: "rejected", reason: expect.objectContaining({ code: "overloaded" }) };
  expect(await stuck).toEqual([late, late]);
  expect(warnings[0]?.message).toBe("a verification worker does not answer");
  expect(await pool.verify(signed(3))).toEqual(GOOD);
});

test("close under load gives every relay that was accepted a verdict, and ends the workers", async () => {
  const { pool, threads } = await openPool();
  const accepted = Array.from({ length: 400 }, (_, index) => pool.verify(signed(index)));
  await new Promise((resolve) => setImmediate(resolve));
  const ended = threads.map((worker) => new Promise<void>((resolve) => worker.once("exit", () => resolve())));
  await pool.close();
  expect(await Promise.all(accepted)).toEqual(accepted.map(() => GOOD));
  await Promise.all(ended);
});

test("close does not wait for a worker that does not answer: its relays are refused", async () => {
  const silent = codeOf(`parentPort.on("message", () => undefined);`);
  const { pool } = await openPool({ workers: 1 }, silent);
  const stuck = Promise.allSettled(Array.from({ length: 100 }, (_, index) => pool.verify(signed(index))));
  await new Promise((resolve) => setImmediate(resolve));
  const start = performance.now();
  await pool.close();
  const results = await stuck;
  expect(performance.now() - start).toBeLessThan(5_000);
  for (const { status } of results) expect(status).toBe("rejected");
});
