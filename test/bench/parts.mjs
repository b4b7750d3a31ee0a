/** The parts of the whole bench. Each takes { isShort, runs } and gives { ratios, figures }, and can be measured again alone. */
import { codecTasks } from "./codec.mjs";
import { measureMiner } from "./miner.mjs";
import { measureRelay } from "./relay.mjs";
import { measured } from "./tasks.mjs";
import { trieTasks } from "./trie.mjs";
import { verifyTasks } from "./verify.mjs";
import { measureV, yardstickTask } from "./yardstick.mjs";

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
  const usual = await measureMiner({ relays: isShort ? 4_000 : 20_000, runs, verifyV: measureV });
  const ratios = { ...usual.ratios };
  const figures = named("miner", usual.figures);
  if (isShort) return { ratios, figures };
  const large = await measureMiner({ relays: 20_000, runs: 3, leaves: 1_000_000, verifyV: measureV });
  ratios.miner_million_apply_cpu = large.ratios.miner_apply_cpu;
  return { ratios, figures: { ...figures, ...named("miner_million", large.figures) } };
}

/** The miner's bench measures V in CPU time around each of its runs, and names its figures with their units. */
function named(prefix, figures) {
  const entries = Object.entries(figures).map(([name, value]) => {
    const [, stem, unit = "count"] = /^(?:miner_)?(.*?)(?:_(us|ms|mb))?$/.exec(name);
    const spread = typeof value === "number" ? { min: value, median: value, max: value } : value;
    return [`${prefix}_${stem}`, { unit: unit === "mb" ? "MB" : unit, ...spread }];
  });
  return Object.fromEntries(entries);
}

export const PARTS = { verify: verifyPart, trie: triePart, relay: relayPart, miner: minerPart };
