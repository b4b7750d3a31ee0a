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

/** The miner's bench measures V in CPU time around each of its runs, and names its figures with their units. */
async function minerPart({ isShort, runs }) {
  const sizes = isShort ? { relays: 4_000, leaves: 0 } : { relays: 20_000, leaves: 1_000_000 };
  const { ratios, figures } = await measureMiner({ ...sizes, runs, verifyV: measureV });
  const named = Object.entries(figures).map(([name, value]) => {
    const [, stem, unit = "count"] = /^(?:miner_)?(.*?)(?:_(us|ms|mb))?$/.exec(name);
    const spread = typeof value === "number" ? { min: value, median: value, max: value } : value;
    return [`miner_${stem}`, { unit: unit === "mb" ? "MB" : unit, ...spread }];
  });
  return { ratios, figures: Object.fromEntries(named) };
}

export const PARTS = { verify: verifyPart, trie: triePart, relay: relayPart, miner: minerPart };
