/** The parts of the whole bench. Each takes { isShort, runs } and gives { ratios, figures }, and can be measured again alone. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { codecTasks } from "./codec.mjs";
import { measureRelay } from "./relay.mjs";
import { measured } from "./tasks.mjs";
import { trieTasks } from "./trie.mjs";
import { verifyTasks } from "./verify.mjs";
import { yardstickTask } from "./yardstick.mjs";

async function verifyPart({ runs }) {
  return measured({ ...verifyTasks(runs), ...codecTasks() }, runs);
}

function triePart({ runs }) {
  const others = { trie_update_per_hash1k: ["trie_update", "hash_1k"] };
  return measured({ V: yardstickTask(), ...trieTasks(runs) }, runs, others);
}

async function relayPart({ isShort, runs }) {
  const { ratios, figures } = await measureRelay({ runs, seconds: isShort ? 2 : 5 });
  return { ratios, figures };
}

/** Sessions as they are, and in the whole bench one of a million leaves; its figures have names of their own. */
async function minerPart({ isShort, runs }) {
  const usual = await minerAlone({ relays: isShort ? 4_000 : 20_000, runs });
  const ratios = { ...usual.ratios };
  const figures = named("miner", usual.figures);
  if (isShort) return { ratios, figures };
  const large = await minerAlone({ relays: 20_000, runs: 3, more: ["--million"] });
  ratios.miner_million_apply_cpu = large.ratios.miner_apply_cpu;
  return { ratios, figures: { ...figures, ...named("miner_million", large.figures) } };
}

/** In a process of its own: beside what the other parts hold in memory, the garbage collector would cost it twice as much. */
async function minerAlone({ relays, runs, more = [] }) {
  const file = fileURLToPath(new URL("./miner.mjs", import.meta.url));
  const settings = ["--relays", String(relays), "--runs", String(runs), ...more];
  const { stdout } = await promisify(execFile)(process.execPath, [file, ...settings]);
  return JSON.parse(stdout);
}

/** The miner's bench names its figures with their units. */
function named(prefix, figures) {
  const entries = Object.entries(figures).map(([name, value]) => {
    const [, stem, unit = "count"] = /^(?:miner_)?(.*?)(?:_(us|ms|mb))?$/.exec(name);
    const spread = typeof value === "number" ? { min: value, median: value, max: value } : value;
    return [`${prefix}_${stem}`, { unit: unit === "mb" ? "MB" : unit, ...spread }];
  });
  return Object.fromEntries(entries);
}

export const PARTS = { verify: verifyPart, trie: triePart, relay: relayPart, miner: minerPart };
