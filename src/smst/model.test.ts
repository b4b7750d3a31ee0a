import fc from "fast-check";
import { expect, test } from "vitest";
import { MemoryStore } from "../../test/kit/memory-store.ts";
import { Trie as ObjectTrie } from "../../test/kit/object-trie/trie.ts";
import { fromHex, toHex } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import { type Sha256, sha256 } from "./hash.ts";
import { Trie } from "./trie.ts";

/** Keys of two bytes are their path's first bytes; a few others differ only at the very end of a long shared prefix. */
const crowded: Sha256 = (bytes) => {
  if (bytes.length > 3) return sha256(bytes);
  const path = new Uint8Array(32);
  path.set(bytes.subarray(0, 2));
  path[31] = bytes[2] ?? 0;
  return path;
};
const inPlace: Sha256 = Object.assign((bytes: Uint8Array) => crowded(bytes), {
  into: (bytes: Uint8Array, target: Uint8Array, offset: number) => target.set(crowded(bytes), offset),
});

const byte = fc.constantFrom(0, 1, 2, 0x80, 0x81);
const key = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom(0, 0x80), byte).map((bytes) => Uint8Array.from(bytes)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant(0), byte, byte).map((bytes) => Uint8Array.from(bytes)) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 4, maxLength: 4 }) },
);
const leaf = fc.record({
  key,
  value: fc.uint8Array({ maxLength: 6 }),
  weight: fc.oneof(fc.bigInt(0n, 9n), fc.constant((1n << 64n) - 1n)),
});
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("update" as const), leaves: fc.array(leaf, { maxLength: 12 }) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("delete" as const), key }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("commit" as const),
      retain: fc.constantFrom("all" as const, "inner" as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("reload" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("hole" as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("heal" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("closest" as const),
      path: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("prove" as const), key }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** A trie with a store of its own; both tries of the test go through the same steps. */
type Side = { trie: Trie | ObjectTrie; readonly store: MemoryStore; readonly lost: Map<string, Uint8Array> };

type Make = (store: MemoryStore, root?: Uint8Array) => Trie | ObjectTrie;

function sideOf(make: Make): Side {
  const store = new MemoryStore();
  return { trie: make(store), store, lost: new Map() };
}

/** What a step did, as far as anyone can see it. */
function take(side: Side, make: Make, next: Step): unknown {
  const { store, lost } = side;
  switch (next.do) {
    case "update":
      return side.trie.updateMany(next.leaves);
    case "delete":
      return side.trie.delete(next.key);
    case "commit": {
      const commit = side.trie.commit({ retain: next.retain });
      store.apply(commit);
      return commit;
    }
    case "reload":
      store.apply(side.trie.commit());
      side.trie = make(store, side.trie.root());
      return store.entries();
    case "hole": {
      store.apply(side.trie.commit());
      side.trie = make(store, side.trie.root());
      const [digest, node] = store.entries()[next.which % Math.max(1, store.nodes.size)] ?? [];
      if (digest === undefined || node === undefined) return undefined;
      lost.set(digest, fromHex(node));
      return store.nodes.delete(digest);
    }
    case "heal":
      for (const [digest, node] of lost) store.nodes.set(digest, node);
      lost.clear();
      return undefined;
    case "closest":
      return side.trie.proveClosest(next.path);
    case "prove":
      return side.trie.prove(next.key);
  }
}

function outcome(side: Side, make: Make, next: Step): unknown {
  try {
    return { done: take(side, make, next) };
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    return { code: thrown.code, fields: thrown.fields };
  }
}

test("the flat trie does what a trie of objects does, step by step, to the last byte that is stored, deleted or proved", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), (steps, direct) => {
      const hash = direct ? inPlace : crowded;
      const newFlat: Make = (store, root) => new Trie(store, root, hash);
      const newModel: Make = (store, root) => new ObjectTrie(store, root, crowded);
      const flat = sideOf(newFlat);
      const model = sideOf(newModel);
      for (const next of steps) {
        const got = outcome(flat, newFlat, next);
        expect(got).toEqual(outcome(model, newModel, next));
        seen.add(`${next.do} ${(got as { code?: string }).code ?? "done"}`);
        expect(toHex(flat.trie.root())).toBe(toHex(model.trie.root()));
      }
      expect(flat.store.entries()).toEqual(model.store.entries());
    }),
    { numRuns: 300 },
  );
  // The steps are worth nothing unless they meet trouble.
  for (const met of [
    "update SMST_NODE_MISSING",
    "delete SMST_NODE_MISSING",
    "delete SMST_KEY_NOT_FOUND",
    "closest SMST_NODE_MISSING",
  ])
    expect(seen).toContain(met);
}, 60_000);
