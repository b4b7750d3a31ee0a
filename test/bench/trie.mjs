// What a leaf of 1.5 KB costs the trie, and a hash of 1 KiB beside it.
import { createHash, randomBytes } from "node:crypto";
import { Trie } from "../../dist/smst/trie.js";

const LEAVES = 10_000;
const VALUE_BYTES = 1_500;

const sha256 = (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest());

/** Tasks for `measured`: 10k leaves on an empty trie with one root at the end. */
export async function trieTasks() {
  const kilobyte = new Uint8Array(randomBytes(1_024));
  const leaves = Array.from({ length: LEAVES }, () => {
    const value = new Uint8Array(randomBytes(VALUE_BYTES));
    return { key: sha256(value), value, weight: 1n };
  });
  const update = () => {
    const trie = new Trie({ get: () => undefined }, undefined, sha256);
    trie.updateMany(leaves);
    return trie.root();
  };
  return {
    trie_update: { times: 1, per: LEAVES, run: update },
    hash_1k: { times: 2_000, run: () => sha256(kilobyte) },
  };
}
