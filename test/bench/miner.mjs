// What one applied relay of 1.5 KB costs the miner and its Redis, in CPU time and as a ratio to V, one native ECDSA verification; and how
// long a session takes from its last relay to its proof.
// Usage: npm run build && node test/bench/miner.mjs [--relays <n>] [--runs <n>] [--million]
import { randomBytes } from "node:crypto";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { publicKeyOf, signDigest, verifyDigest } from "../../dist/chain/protocol/ecdsa.js";
import { decodeClosestProof } from "../../dist/smst/gob.js";
import { verifyClosestProof } from "../../dist/smst/verify.js";
import { minerWorld } from "./miner-world.mjs";
import { median } from "./numbers.mjs";

const WARM_UP = 2_000;
/** What lies in the stream at once when a large session is made: both copies of a relay are in Redis's memory until it is applied. */
const SLICE = 20_000;
const MEGABYTE = 1_048_576;
const round1 = (number) => Math.round(number * 10) / 10;
const round2 = (number) => Math.round(number * 100) / 100;
const spread = (list) => ({
  min: round1(Math.min(...list)),
  median: round1(median(list)),
  max: round1(Math.max(...list)),
});

/** CPU microseconds of one native ECDSA verification. */
function cpuOfVerify() {
  const secret = new Uint8Array(randomBytes(32));
  const digest = new Uint8Array(randomBytes(32));
  const [publicKey, signature] = [publicKeyOf(secret), signDigest(secret, digest)];
  const TIMES = 2_000;
  const start = process.cpuUsage();
  for (let index = 0; index < TIMES; index++) verifyDigest(publicKey, digest, signature);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / TIMES;
}

/**
 * Applies `runs` times `relays` relays of one session over real streams, scripts and tries. `verifyV` gives V in microseconds of CPU time
 * and is measured beside every run. `leaves` more are applied first, and the session is sealed and proved at its end: a million shows
 * what a large session costs. Ratios are medians of the runs'.
 */
export async function measureMiner({ relays = 10_000, runs = 3, verifyV = cpuOfVerify, leaves = 0 } = {}) {
  const world = await minerWorld();
  try {
    await world.publish(WARM_UP);
    await world.apply(WARM_UP);
    const samples = [];
    const sample = async (count) => {
      await world.publish(count);
      const v = verifyV();
      const { minerUs, redisUs, slowestScriptMs } = await world.apply(count);
      samples.push({ v, miner: minerUs / count, redis: redisUs / count, slowestScriptMs });
    };
    for (let done = 0; done < leaves; done += SLICE) await sample(Math.min(SLICE, leaves - done));
    const grown = samples.splice(0);
    const rssApplied = process.memoryUsage().rss;
    for (let run = 0; run < runs; run++) await sample(relays);
    const ended = await sealAndProve(world);
    const figures = {
      V_cpu_us: spread(samples.map(({ v }) => v)),
      miner_apply_cpu_us: spread(samples.map(({ miner, redis }) => miner + redis)),
      redis_share_us: spread(samples.map(({ redis }) => redis)),
      slowest_script_ms: round1(Math.max(...[...grown, ...samples].map((one) => one.slowestScriptMs))),
      ...(leaves > 0 && {
        growing_cpu_us: spread(grown.map(({ miner, redis }) => miner + redis)),
        rss_while_applying_mb: round1(rssApplied / MEGABYTE),
      }),
      ...ended,
    };
    const ratios = { miner_apply_cpu: round2(median(samples.map((one) => (one.miner + one.redis) / one.v))) };
    return { relays, runs, ratios, figures };
  } finally {
    await world.close();
  }
}

/** As claim and proof do it: the root is sealed, the trie in memory given up, one path read from Redis, the proof checked. */
async function sealAndProve({ worker, session }) {
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 5);
  const start = performance.now();
  const root = await worker.seal(session);
  const sealedMs = performance.now() - start;
  const proof = await worker.exclusive(() => worker.trie(session).prove(new Uint8Array(randomBytes(32))));
  const ms = performance.now() - start;
  clearInterval(watch);
  most = Math.max(most, process.memoryUsage().rss);
  if (!verifyClosestProof(decodeClosestProof(proof), root)) throw new Error("the proof does not verify");
  const leaves = Number(Buffer.from(root).readBigUInt64BE(40));
  return {
    leaves,
    seal_prove_ms: round1(ms),
    seal_ms: round1(sealedMs),
    rss_growth_mb: round1((most - before) / MEGABYTE),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { values } = parseArgs({
    options: {
      relays: { type: "string", default: "20000" },
      runs: { type: "string", default: "5" },
      million: { type: "boolean", default: false },
    },
  });
  const sizes = { relays: Number(values.relays), runs: Number(values.runs) };
  const result = await measureMiner({ ...sizes, leaves: values.million ? 1_000_000 : 0 });
  console.log(JSON.stringify(result, null, 2));
}
