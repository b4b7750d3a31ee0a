import { describe, expect, test } from "vitest";
import { MemoryStore } from "../../test/kit/memory-store.ts";
import { toHex, utf8 } from "../base/bytes.ts";
import { sha256 } from "./hash.ts";
import { NodeCache, prefetchPaths, withNodes } from "./load.ts";
import { type Leaf, Trie } from "./trie.ts";
import { verifyClosestProof } from "./verify.ts";

const leavesOf = (label: string, count: number): Leaf[] =>
  Array.from({ length: count }, (_, index) => {
    const value = utf8(`${label}-${index}`);
    return { key: sha256(value), value, weight: BigInt(index + 1) };
  });

function storedTrie(leaves: readonly Leaf[]) {
  const store = new MemoryStore();
  const trie = new Trie(store);
  trie.updateMany(leaves);
  store.apply(trie.commit());
  return { store, root: trie.root() };
}

const missing = (digest: string) =>
  expect.objectContaining({ code: "SMST_NODE_MISSING", fields: { digest } });

describe("a trie whose nodes are elsewhere", () => {
  test("a batch needs one fetch a level", async () => {
    const before = leavesOf("before", 2000);
    const batch = leavesOf("batch", 1000);
    const { store, root } = storedTrie(before);
    const cache = new NodeCache();
    const trie = new Trie(cache, root);
    const keys = batch.map(({ key }) => key);
    await prefetchPaths(trie, keys, cache, store.fetch);
    expect(store.fetches).toBeLessThan(30);
    expect(cache.size).toBe(0);

    trie.updateMany(batch);
    expect(trie.root()).toEqual(storedTrie([...before, ...batch]).root);
    store.apply(trie.commit({ retain: "inner" }));
    expect(store.entries()).toHaveLength(storedTrie([...before, ...batch]).store.nodes.size);

    const fetched = store.fetches;
    await prefetchPaths(trie, keys, cache, store.fetch);
    expect(store.fetches).toBe(fetched);
  });

  test("an empty trie and an empty batch need none", async () => {
    const store = new MemoryStore();
    const cache = new NodeCache();
    await prefetchPaths(new Trie(cache), [utf8("key")], cache, store.fetch);
    await prefetchPaths(new Trie(cache, storedTrie(leavesOf("a", 3)).root), [], cache, store.fetch);
    expect(store.fetches).toBe(0);
  });

  test("an update, a delete and a proof load what they need", async () => {
    const leaves = leavesOf("leaf", 100);
    const { store, root } = storedTrie(leaves);
    const cache = new NodeCache();
    const trie = new Trie(cache, root);
    const path = sha256(utf8("path"));
    const proof = await withNodes(cache, store.fetch, () => trie.proveClosest(path));
    expect(proof).toEqual(new Trie(store, root).proveClosest(path));
    expect(verifyClosestProof(proof, root)).toBe(true);
    expect(store.fetches).toBeLessThan(20);

    for (const { key } of leaves) await withNodes(cache, store.fetch, () => trie.delete(key));
    expect(trie.count()).toBe(0n);
    expect(cache.size).toBe(0);
  });

  test("payloads of committed leaves come back for a proof, by one path", async () => {
    const store = new MemoryStore();
    const cache = new NodeCache();
    const trie = new Trie(cache);
    trie.updateMany(leavesOf("leaf", 100));
    store.apply(trie.commit({ retain: "inner" }));
    const path = sha256(utf8("path"));
    expect(() => trie.proveClosest(path)).toThrow(expect.objectContaining({ code: "SMST_NODE_MISSING" }));
    const proof = await withNodes(cache, store.fetch, () => trie.proveClosest(path));
    expect(proof).toEqual(new Trie(store, trie.root()).proveClosest(path));
    expect(store.fetches).toBeLessThanOrEqual(2);

    const known = leavesOf("leaf", 1).map((leaf) => ({ ...leaf, weight: 500n }));
    trie.updateMany([...known, ...leavesOf("more", 50)]);
    expect(trie.count()).toBe(150n);
  });

  test("two calls at once on one cache both end", async () => {
    const leaves = leavesOf("leaf", 300);
    const { store, root } = storedTrie(leaves);
    const cache = new NodeCache();
    const trie = new Trie(cache, root);
    const paths = Array.from({ length: 8 }, (_, index) => sha256(utf8(`path ${index}`)));
    const proofs = await Promise.all(
      paths.map((path) => withNodes(cache, store.fetch, () => trie.proveClosest(path))),
    );
    for (const proof of proofs) expect(verifyClosestProof(proof, root)).toBe(true);
  });
});

describe("failures", () => {
  test("a node that does not exist is an error that names it", async () => {
    const leaves = leavesOf("leaf", 10);
    const { store, root } = storedTrie(leaves);
    store.nodes.delete(toHex(root));
    const cache = new NodeCache();
    const trie = new Trie(cache, root);
    const proof = withNodes(cache, store.fetch, () => trie.proveClosest(new Uint8Array(32)));
    await expect(proof).rejects.toEqual(missing(toHex(root)));
    const keys = leaves.map(({ key }) => key);
    await expect(prefetchPaths(trie, keys, cache, store.fetch)).rejects.toEqual(missing(toHex(root)));
    expect(trie.root()).toEqual(root);
  });

  test("other errors pass", async () => {
    const { store, root } = storedTrie(leavesOf("leaf", 10));
    const cache = new NodeCache();
    const trie = new Trie(cache, root);
    const broken = () => Promise.reject(new Error("no connection"));
    await expect(withNodes(cache, broken, () => trie.delete(utf8("a")))).rejects.toThrow("no connection");
    await expect(withNodes(cache, store.fetch, () => trie.delete(utf8("a")))).rejects.toEqual(
      expect.objectContaining({ code: "SMST_KEY_NOT_FOUND" }),
    );
  });

  test("a trie over another store does not loop for ever", async () => {
    const { store, root } = storedTrie(leavesOf("leaf", 10));
    const trie = new Trie(new MemoryStore(), root);
    const lost = withNodes(new NodeCache(), store.fetch, () => trie.proveClosest(new Uint8Array(32)));
    await expect(lost).rejects.toEqual(missing(toHex(root)));
    const useless = prefetchPaths(trie, [utf8("key")], new NodeCache(), store.fetch);
    await expect(useless).rejects.toEqual(missing(toHex(root)));
  });
});
