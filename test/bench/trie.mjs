// What the trie costs for each leaf of 1.5 KB, as a ratio to V, one native ECDSA verification, and beside it a hash of 1 KiB.
// Usage: node test/bench/trie.mjs [--runs <n>]
import { randomBytes } from "node:crypto";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { sha256 } from "../../dist/runtime/miner/sha256.js";
import { Trie } from "../../dist/smst/trie.js";

const BATCH = 10_000;
const BEFORE = 100_000;
const VALUE_LENGTH = 1_500;

/** Made before the time is taken: a miner gets its relays from elsewhere. */
function leavesOf(count, length) {
  const bytes = new Uint8Array(randomBytes(count * 32));
  const values = new Uint8Array(randomBytes(length + count));
  return Array.from({ length: count }, (_, index) => ({
    key: bytes.subarray(index * 32, index * 32 + 32),
    value: values.subarray(index, index + length),
    weight: 1n,
  }));
}

const emptyTrie = () => new Trie({ get: () => undefined }, undefined, sha256);

/**
 * Tasks for `measured` of tasks.mjs: 10k leaves and one root on an empty trie, the same on one of 100k leaves, and with all
 * that a store has to write; a hash of 1 KiB for comparison. The second builds as many tries beforehand as there are rounds and one.
 */
export function trieTasks(runs) {
  const batch = leavesOf(BATCH, VALUE_LENGTH);
  const before = leavesOf(BEFORE, 32);
  const grown = Array.from({ length: runs + 1 }, () => {
    const trie = emptyTrie();
    trie.updateMany(before);
    trie.commit({ retain: "inner" });
    return trie;
  });
  const kilobyte = new Uint8Array(randomBytes(1024));
  return {
    hash_1k: { times: 2_000, run: () => sha256(kilobyte) },
    trie_update: {
      times: 1,
      per: BATCH,
      run: () => {
        const trie = emptyTrie();
        trie.updateMany(batch);
        return trie.root();
      },
    },
    trie_update_and_commit: {
      times: 1,
      per: BATCH,
      run: () => {
        const trie = emptyTrie();
        trie.updateMany(batch);
        return trie.commit({ retain: "inner" });
      },
    },
    trie_update_on_100k: {
      times: 1,
      per: BATCH,
      run: () => {
        const trie = grown.pop();
        trie.updateMany(batch);
        return trie.root();
      },
    },
  };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { measured, printMeasured } = await import("./tasks.mjs");
  const { verifyTasks } = await import("./verify.mjs");
  const { values } = parseArgs({ options: { runs: { type: "string", default: "7" } } });
  const runs = Number(values.runs);
  const result = measured({ V: verifyTasks(runs).V, ...trieTasks(runs) }, runs);
  printMeasured(result);
  for (const name of ["trie_update", "trie_update_on_100k"])
    console.log(`${name}: ${(result.ratios[name] / result.ratios.hash_1k).toFixed(2)} hashes of 1 KiB`);
}
