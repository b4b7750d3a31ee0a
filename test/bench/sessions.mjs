// Thousands of sessions that close together: are all claimed and proven in their windows, how soon, and what does it take?
// Usage: npm run bench:sessions -- [--help]
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { fillPage } from "./page.mjs";
import { openSessionsWorld } from "./sessions-world.mjs";
import { machine } from "./tasks.mjs";

const HELP = `Every supplier has a session with every application, and all of them end at the same block. Real miner, Redis and devnet chain.

node test/bench/sessions.mjs [options]
  --suppliers <n>     suppliers of the miner (100)
  --applications <n>  each has one session with each supplier (50)
  --relays <n>        of each pair (4)
  --block-ms <n>      time of a block (10000)
  --proofs <p>        probability that a claim needs a proof (0.25)
  --cpu-prof <folder> profile of the miner
  --json <file>       keeps the figures
  --page <file>       writes the table into that page
`;
const POLL_MS = 250;
/** Blocks after settlement in which what is left is waited for. */
const PATIENCE_BLOCKS = 6n;
const MEGABYTE = 1_048_576;
const round = (number, digits = 1) => Number(number.toFixed(digits));

/**
 * Lets `suppliers` × `applications` sessions end at once and watches until they have settled. Sessions by outcome, with the reason of
 * those that earned nothing; claims and proofs by the block that took them; seconds, CPU and memory.
 */
export async function measureSessions(plan, say = () => undefined) {
  const world = await openSessionsWorld(plan);
  try {
    const pairs = plan.suppliers * plan.applications;
    say(`${pairs} sessions; signing and storing ${pairs * plan.relays} relays`);
    const stored = await world.publish();
    say("the miner starts");
    const applied = await applying(world, stored);
    say(`applied in ${applied.seconds} s; the sessions end`);
    const seen = await watchEnd(world, say);
    const outcomes = await world.outcomes();
    return {
      ...plan,
      pairs,
      relays_stored: stored,
      apply: applied,
      ...(await figuresOf(world, seen)),
      ...outcomes,
      complaints: world.complaints(),
    };
  } finally {
    await world.close();
  }
}

async function applying(world, stored) {
  const start = performance.now();
  await world.startMiner();
  while ((await world.waiting()) > 0) await world.pause(POLL_MS);
  const seconds = (performance.now() - start) / 1000;
  return {
    seconds: round(seconds),
    relays_a_second: Math.round(stored / seconds),
    rss_mb: megabytes(world.minerBytes()),
  };
}

/** Blocks come; what the miner has broadcast is looked at all the time, until everything has its end or nothing more can come. */
async function watchEnd(world, say) {
  const { windows } = world;
  const seen = { at: new Map(), claims: [], proofs: [], rss: 0, redis: 0, delay: 0 };
  const cpu = world.cpu();
  await world.letEnd();
  let height = 0n;
  while (height < windows.settle + PATIENCE_BLOCKS) {
    world.check();
    const now = performance.now();
    const [latest, miner] = [await world.height(), await world.minerFigures()];
    if (latest !== height) {
      for (let each = height + 1n; each <= latest; each++) seen.at.set(each, now);
      height = latest;
      say(
        `block ${height}: ${miner.claims} claims and ${miner.proofs} proofs broadcast, miner ${megabytes(world.minerBytes())} MB`,
      );
    }
    seen.claims.push([now, miner.claims]);
    seen.proofs.push([now, miner.proofs]);
    seen.rss = Math.max(seen.rss, world.minerBytes());
    seen.redis = Math.max(seen.redis, world.redisBytes());
    seen.delay = Math.max(seen.delay, miner.loopDelay);
    if (height >= windows.settle && (await world.unsettled()) === 0) break;
    await world.pause(POLL_MS);
  }
  return {
    ...seen,
    cpu: world.cpuSince(cpu),
    seconds: (performance.now() - seen.at.get(windows.claimOpen)) / 1000,
  };
}

async function figuresOf(world, seen) {
  const { windows } = world;
  const [claims, proofs] = await world.included();
  return {
    windows: Object.fromEntries(Object.entries(windows).map(([name, height]) => [name, Number(height)])),
    claims_by_block: relative(claims, windows.claimOpen),
    proofs_by_block: relative(proofs, windows.proofOpen),
    seconds_to_last_claim: secondsTo(seen.claims, seen.at.get(windows.claimOpen)),
    seconds_to_last_proof: secondsTo(seen.proofs, seen.at.get(windows.proofOpen)),
    seconds_to_settled: round(seen.seconds),
    miner_rss_mb: megabytes(seen.rss),
    redis_rss_mb: megabytes(seen.redis),
    loop_delay_ms: round(seen.delay * 1000),
    cpu_seconds: seen.cpu,
  };
}

const megabytes = (bytes) => Math.round(bytes / MEGABYTE);

/** How many the chain took in each block, counted from the first in which it takes any. */
const relative = (byHeight, open) =>
  Object.fromEntries([...byHeight].map(([height, count]) => [`+${height - open}`, count]));

/** From the window's opening to the first look at which the count was at its last value. */
function secondsTo(counts, from) {
  const last = counts.at(-1)[1];
  return last === 0 ? undefined : round((counts.find(([, count]) => count === last)[0] - from) / 1000);
}

const list = (counts) =>
  Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(", ") || "none";
const inBlocks = (counts) =>
  Object.entries(counts)
    .map(([block, count]) => `${count} in block ${block}`)
    .join(", ") || "none";

export function sessionsText(result) {
  const { windows } = result;
  const rows = [
    [
      "sessions",
      `${result.pairs}: ${result.suppliers} suppliers × ${result.applications} applications, ${result.relays} relays each`,
    ],
    [
      "blocks",
      `${result.blockMs / 1000} s; ${windows.claimClose - windows.claimOpen + 1} of them for claims, ${windows.proofClose - windows.proofOpen + 1} for proofs`,
    ],
    [
      "relays applied",
      `${result.relays_stored} in ${result.apply.seconds} s, start of the miner and its leases included`,
    ],
    [
      "claims",
      `${inBlocks(result.claims_by_block)}; the last one ${result.seconds_to_last_claim} s after the window opened`,
    ],
    [
      "proofs",
      `${inBlocks(result.proofs_by_block)}; the last one ${result.seconds_to_last_proof ?? "–"} s after the window opened`,
    ],
    ["outcomes", list(result.outcomes)],
    ["not paid, by reason", list(result.reasons)],
    [
      "CPU from the sessions' end to the last settlement",
      `miner ${result.cpu_seconds.miner} s, Redis ${result.cpu_seconds.redis} s`,
    ],
    ["memory at most", `miner ${result.miner_rss_mb} MB, Redis ${result.redis_rss_mb} MB`],
    ["longest delay of the miner's event loop", `${result.loop_delay_ms} ms`],
  ];
  return ["| | |", "|---|---|", ...rows.map((row) => `| ${row.join(" | ")} |`)].join("\n");
}

async function main() {
  const text = (fallback) => ({ type: "string", default: fallback });
  const { values } = parseArgs({
    options: {
      ...{ suppliers: text("100"), applications: text("50"), relays: text("4"), "block-ms": text("10000") },
      ...{
        proofs: text("0.25"),
        json: { type: "string" },
        "cpu-prof": { type: "string" },
        page: { type: "string" },
      },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return console.log(HELP);
  const plan = {
    suppliers: Number(values.suppliers),
    applications: Number(values.applications),
    relays: Number(values.relays),
    blockMs: Number(values["block-ms"]),
    proofs: Number(values.proofs),
    cpuProf: values["cpu-prof"],
  };
  const result = { ...(await measureSessions(plan, (line) => console.error(line))), machine: machine() };
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
  if (values.page) fillPage(values.page, "sessions", sessionsText(result));
  console.log(sessionsText(result));
  if (Object.keys(result.reasons).length > 0) process.exitCode = 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
