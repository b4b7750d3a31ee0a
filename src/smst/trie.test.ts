import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MemoryStore } from "../../test/kit/memory-store.ts";
import { concatBytes, EMPTY, toHex } from "../base/bytes.ts";
import { type Sha256, sha256 } from "./hash.ts";
import { type Leaf, Trie } from "./trie.ts";
import { verifyClosestProof, verifyProof } from "./verify.ts";

/** Keys of two bytes are their path's first bytes, so that short runs of them branch at all depths and share long prefixes. */
const crowded: Sha256 = (bytes) => {
  if (bytes.length !== 2) return sha256(bytes);
  const path = new Uint8Array(32);
  path.set(bytes);
  return path;
};

const keys = fc
  .tuple(fc.constantFrom(0, 1, 2, 3, 0x80, 0xff), fc.constantFrom(0, 1, 2, 0x80, 0x81))
  .map(([first, second]) => Uint8Array.of(first, second));
const leaves: fc.Arbitrary<Leaf> = fc.record({
  key: keys,
  value: fc.uint8Array({ maxLength: 5 }),
  weight: fc.oneof(fc.bigInt(1n, 9n), fc.bigInt((1n << 64n) - 3n, (1n << 64n) - 1n)),
});
type Step = { readonly leaf: Leaf; readonly remove: boolean };
const steps: fc.Arbitrary<Step[]> = fc.array(fc.record({ leaf: leaves, remove: fc.boolean() }), {
  maxLength: 40,
});

const newTrie = (store: MemoryStore = new MemoryStore(), root?: Uint8Array) => new Trie(store, root, crowded);

/** Plays a step; a delete of what is not there must be refused. */
function play(trie: Trie, model: Map<string, Leaf>, { leaf, remove }: Step): void {
  const key = toHex(leaf.key);
  if (!remove) {
    trie.update(leaf.key, leaf.value, leaf.weight);
    model.set(key, leaf);
  } else if (model.delete(key)) trie.delete(leaf.key);
  else expect(() => trie.delete(leaf.key)).toThrow(expect.objectContaining({ code: "SMST_KEY_NOT_FOUND" }));
}

function built(content: Iterable<Leaf>): Trie {
  const trie = newTrie();
  trie.updateMany([...content]);
  return trie;
}

function expectModel(trie: Trie, model: Map<string, Leaf>): void {
  const content = [...model.values()];
  expect(trie.root()).toEqual(built(content).root());
  expect(trie.count()).toBe(BigInt(model.size));
  expect(trie.sum()).toBe(
    BigInt.asUintN(
      64,
      content.reduce((sum, { weight }) => sum + weight, 0n),
    ),
  );
}

describe("a trie is a map", () => {
  test("updates and deletes in any sequence", () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        const trie = newTrie();
        const model = new Map<string, Leaf>();
        for (const step of sequence) {
          play(trie, model, step);
          expectModel(trie, model);
        }
      }),
    );
  });

  test("the order of leaves does not matter", () => {
    const shuffled = fc
      .uniqueArray(leaves, { selector: ({ key }) => toHex(key) })
      .chain((content) =>
        fc.tuple(fc.constant(content), fc.shuffledSubarray(content, { minLength: content.length })),
      );
    fc.assert(
      fc.property(shuffled, ([content, other]) => {
        expect(built(other).root()).toEqual(built(content).root());
      }),
    );
  });

  test("a batch is as its leaves one by one, to the last stored byte", () => {
    fc.assert(
      fc.property(fc.array(leaves), fc.array(leaves), (before, batch) => {
        const [whole, single] = [built(before), built(before)];
        expect(whole.commit()).toEqual(single.commit());
        whole.updateMany(batch);
        for (const { key, value, weight } of batch) single.update(key, value, weight);
        expect(whole.commit()).toEqual(single.commit());
      }),
    );
  });

  test("weights must have 64 bits", () => {
    const trie = newTrie();
    for (const weight of [-1n, 1n << 64n])
      expect(() =>
        trie.updateMany([
          { key: EMPTY, value: EMPTY, weight: 1n },
          { key: EMPTY, value: EMPTY, weight },
        ]),
      ).toThrow(expect.objectContaining({ code: "SMST_BAD_WEIGHT" }));
    expect(trie.count()).toBe(0n);
  });
});

describe("the store", () => {
  test("a new process goes on from any commit", () => {
    const cut = fc.record({
      commit: fc.boolean(),
      retain: fc.constantFrom("all" as const, "inner" as const),
    });
    fc.assert(
      fc.property(steps, fc.infiniteStream(cut), (sequence, cuts) => {
        const store = new MemoryStore();
        const staying = new MemoryStore();
        let trie = newTrie(store);
        const other = newTrie(staying);
        const model = new Map<string, Leaf>();
        for (const step of sequence) {
          play(trie, model, step);
          const { commit, retain } = cuts.next().value;
          if (!commit) continue;
          store.apply(trie.commit({ retain }));
          if (retain === "all") trie = newTrie(store, trie.root());
        }
        store.apply(trie.commit());
        expectModel(newTrie(store, trie.root()), model);
        expect(reachable(store, trie)).toBe(store.nodes.size);

        const copy = new Map<string, Leaf>();
        for (const step of sequence) play(other, copy, step);
        staying.apply(other.commit());
        expect(new Set(staying.nodes.keys())).toEqual(new Set(store.nodes.keys()));
      }),
    );
  });

  /** Number of distinct nodes that proofs and updates can ask for: all that a store should hold. */
  function reachable(store: MemoryStore, trie: Trie): number {
    const asked = new Set<string>();
    const watched = {
      get: (digest: Uint8Array) => {
        asked.add(toHex(digest));
        return store.get(digest);
      },
    };
    const fresh = new Trie(watched, trie.root(), crowded);
    for (let first = 0; first < 256; first++)
      for (const second of [0, 1, 2, 0x80, 0x81]) {
        const path = crowded(Uint8Array.of(first, second));
        fresh.missingTowards(path);
      }
    return asked.size;
  }

  test("a missing node is named, and nothing has changed", () => {
    const holes = fc.nat();
    fc.assert(
      fc.property(fc.array(leaves, { minLength: 1 }), fc.array(leaves), holes, (content, batch, hole) => {
        const store = new MemoryStore();
        const first = built(content);
        store.apply(first.commit());
        const digests = [...store.nodes.keys()];
        const removed = digests[hole % digests.length] ?? "";
        const node = store.nodes.get(removed) ?? EMPTY;
        store.nodes.delete(removed);

        const trie = newTrie(store, first.root());
        const model = built(content);
        model.updateMany(batch);
        const missing = { code: "SMST_NODE_MISSING", fields: { digest: removed } };
        try {
          trie.updateMany(batch);
        } catch (thrown) {
          expect(thrown).toMatchObject(missing);
          expect(trie.root()).toEqual(first.root());
          expect(trie.commit()).toMatchObject({ writes: [], deletes: [], orphans: [] });
          store.nodes.set(removed, node);
          trie.updateMany(batch);
        }
        expect(trie.root()).toEqual(model.root());
      }),
    );
  });

  test("a delete that lacks the leaf's sibling changes nothing", () => {
    const [left, right] = [Uint8Array.of(0, 0), Uint8Array.of(0xff, 0)];
    const store = new MemoryStore();
    const first = built([
      { key: left, value: EMPTY, weight: 1n },
      { key: right, value: EMPTY, weight: 2n },
    ]);
    const { root, writes } = first.commit();
    store.apply({ root, writes: writes.slice(1), deletes: [], orphans: [] });
    const trie = newTrie(store, root);
    expect(() => trie.delete(right)).toThrow(expect.objectContaining({ code: "SMST_NODE_MISSING" }));
    expect(trie.root()).toEqual(root);
    store.apply({ root, writes, deletes: [], orphans: [] });
    trie.delete(right);
    expect(trie.root()).toEqual(built([{ key: left, value: EMPTY, weight: 1n }]).root());
  });

  test("a node that is not the one asked for is refused", () => {
    const store = new MemoryStore();
    const first = built([{ key: Uint8Array.of(1, 1), value: Uint8Array.of(1), weight: 1n }]);
    store.apply(first.commit());
    const root = toHex(first.root());
    for (const node of [EMPTY, Uint8Array.of(7), new Uint8Array(60), Uint8Array.of(2, 0, 1)]) {
      store.nodes.set(root, node);
      expect(() => newTrie(store, first.root()).update(EMPTY, EMPTY, 1n)).toThrow(
        expect.objectContaining({ code: "SMST_NODE_CORRUPT" }),
      );
    }
  });

  test("an extension that is its own child is refused", () => {
    const store = new MemoryStore();
    const root = new Uint8Array(48).fill(1);
    store.nodes.set(
      toHex(root),
      concatBytes(Uint8Array.of(2, 5, 5), new Uint8Array(32), root, root.subarray(32)),
    );
    expect(() => newTrie(store, root).prove(EMPTY)).toThrow(
      expect.objectContaining({ code: "SMST_NODE_CORRUPT" }),
    );
  });

  test("a root has 48 bytes", () => {
    expect(() => newTrie(new MemoryStore(), new Uint8Array(47))).toThrow(
      expect.objectContaining({ code: "SMST_BAD_ROOT" }),
    );
    expect(newTrie(new MemoryStore(), new Uint8Array(48)).count()).toBe(0n);
  });
});

describe("work", () => {
  test("a batch hashes each key, each leaf and each inner node once", () => {
    let hashes = 0;
    const trie = new Trie(new MemoryStore(), undefined, (bytes) => {
      hashes++;
      return sha256(bytes);
    });
    const batch = Array.from({ length: 500 }, (_, index) => ({
      key: Uint8Array.of(index >> 8, index & 0xff),
      value: EMPTY,
      weight: 1n,
    }));
    trie.updateMany(batch);
    expect(hashes).toBe(500);
    const { writes } = trie.commit();
    const chains = writes
      .filter(({ node }) => node[0] === 2)
      .reduce((bits, { node }) => bits + (node[2] ?? 0) - (node[1] ?? 0), 0);
    const others = writes.filter(({ node }) => node[0] !== 2).length;
    expect(hashes).toBe(500 + others + chains);
    trie.root();
    trie.commit();
    expect(hashes).toBe(500 + others + chains);
  });
});

describe("memory", () => {
  const leafOf = (index: number): Leaf => ({
    key: Uint8Array.of(index >> 8, index & 0xff, 0),
    value: new Uint8Array(1_000),
    weight: 1n,
  });
  const batch = Array.from({ length: 2_000 }, (_, index) => leafOf(index));

  test("a leaf takes less than 200 bytes, whatever its relay; one that is replaced or deleted takes none", () => {
    const trie = new Trie(new MemoryStore());
    trie.updateMany(batch);
    trie.commit({ retain: "inner" });
    const { bytes } = trie;
    expect(bytes / batch.length).toBeLessThan(200);
    for (let round = 0; round < 3; round++) trie.updateMany(batch);
    expect(trie.bytes - bytes).toBeLessThan(200);
    for (const { key } of batch) trie.delete(key);
    trie.updateMany(batch);
    expect(trie.bytes - bytes).toBeLessThan(200);
  });
});

describe("proofs", () => {
  const keyed = fc.array(leaves, { minLength: 1 });
  const contentOf = (list: readonly Leaf[]) => new Map(list.map((leaf) => [toHex(leaf.key), leaf]));

  test("every leaf is proved, every other key is proved absent", () => {
    fc.assert(
      fc.property(keyed, keys, (list, key) => {
        const trie = built(list);
        const root = trie.root();
        const content = contentOf(list);
        for (const leaf of content.values()) {
          const proof = trie.prove(leaf.key);
          expect(verifyProof(proof, root, { ...leaf, count: 1n }, crowded)).toBe(true);
          const heavier = BigInt.asUintN(64, leaf.weight + 1n);
          expect(verifyProof(proof, root, { ...leaf, weight: heavier, count: 1n }, crowded)).toBe(false);
        }
        const absence = { key, value: EMPTY, weight: 0n, count: 0n };
        expect(verifyProof(trie.prove(key), root, absence, crowded)).toBe(!content.has(toHex(key)));
      }),
    );
  });

  test("the closest proof of any path verifies, also after deletes and from the store alone", () => {
    const paths = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(steps, fc.array(fc.oneof(paths, keys.map(crowded))), (sequence, asked) => {
        const store = new MemoryStore();
        const trie = newTrie(store);
        const model = new Map<string, Leaf>();
        for (const step of sequence) play(trie, model, step);
        const proofs = asked.map((path) => trie.proveClosest(path));
        for (const proof of proofs) expect(verifyClosestProof(proof, trie.root())).toBe(true);
        store.apply(trie.commit({ retain: "inner" }));
        for (const reader of [trie, newTrie(store, trie.root())])
          expect(asked.map((path) => reader.proveClosest(path))).toEqual(proofs);
      }),
    );
  });

  test("the path of a leaf leads to that leaf", () => {
    fc.assert(
      fc.property(keyed, (list) => {
        const trie = built(list);
        for (const { key } of list) {
          const proof = trie.proveClosest(crowded(key));
          expect(proof.closestPath).toEqual(crowded(key));
          expect(proof.flippedBits).toEqual([]);
        }
      }),
    );
  });
});
