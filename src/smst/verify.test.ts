import fc from "fast-check";
import { expect, test } from "vitest";
import { utf8 } from "../base/bytes.ts";
import { compactClosestProof, decompactClosestProof } from "./compact.ts";
import { sha256 } from "./hash.ts";
import type { ClosestProof, SparseProof } from "./proof-types.ts";
import { Trie } from "./trie.ts";
import { rootCount, rootSum, verifyClosestProof } from "./verify.ts";

const trie = new Trie({ get: () => undefined });
for (let index = 0; index < 200; index++) {
  const value = utf8(`relay-${index}`);
  trie.update(sha256(value), value, BigInt(index + 1));
}
const root = trie.root();
const proofs = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((path): ClosestProof => trie.proveClosest(path));

/** The same bytes with one bit other. */
const mutated = (bytes: Uint8Array, place: number): Uint8Array => {
  const copy = new Uint8Array(bytes);
  const bit = place % (bytes.length * 8);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
  return copy;
};
const mutatedNode = (node: Uint8Array, place: number): Uint8Array =>
  node[0] === 2 ? mutated(node, 35 * 8 + (place % (48 * 8))) : mutated(node, place);
const inside = (proof: ClosestProof, part: Partial<SparseProof>): ClosestProof => ({
  ...proof,
  closestProof: { ...proof.closestProof, ...part },
});

test("a root tells sum and count", () => {
  expect([rootSum(root), rootCount(root)]).toEqual([(200n * 201n) / 2n, 200n]);
});

test("any one bit changed in what is proved makes it false", () => {
  fc.assert(
    fc.property(proofs, fc.nat(), fc.nat(), (proof, place, which) => {
      expect(verifyClosestProof(proof, root)).toBe(true);
      const { closestPath, closestValueHash = new Uint8Array(1), closestProof } = proof;
      const { sideNodes, siblingData = new Uint8Array(1) } = closestProof;
      const changedSide = which % sideNodes.length;
      const changes: ClosestProof[] = [
        { ...proof, closestPath: mutated(closestPath, place) },
        { ...proof, closestValueHash: mutated(closestValueHash, place) },
        { ...proof, path: mutated(proof.path, place % proof.depth) },
        // An extension's digest does not cover its path's other bits, nor its totals: only its child is changed here.
        inside(proof, { siblingData: mutatedNode(siblingData, place) }),
        inside(proof, {
          sideNodes: sideNodes.map((node, at) => (at === changedSide ? mutated(node, place) : node)),
        }),
        inside(proof, { sideNodes: sideNodes.slice(1) }),
        inside(proof, { sideNodes: sideNodes.slice(0, -1), siblingData: undefined }),
        inside(proof, { sideNodes: [...sideNodes, new Uint8Array(48)] }),
      ];
      for (const [index, change] of changes.entries())
        expect([index, verifyClosestProof(change, root)]).toEqual([index, false]);
      expect(verifyClosestProof(proof, mutated(root, place))).toBe(false);
    }),
  );
});

test("compacting and back is the same proof", () => {
  fc.assert(
    fc.property(proofs, (proof) => {
      expect(decompactClosestProof(compactClosestProof(proof))).toEqual(proof);
      expect(verifyClosestProof(compactClosestProof(proof), root)).toBe(true);
    }),
  );
});

test("whatever is given, the answer is a verdict", () => {
  const bytes = fc.uint8Array({ maxLength: 120 });
  const anything = fc.record({
    path: fc.oneof(bytes, fc.uint8Array({ minLength: 32, maxLength: 32 })),
    flippedBits: fc.array(fc.uint8Array({ maxLength: 3 }), { maxLength: 4 }),
    depth: fc.uint8Array({ maxLength: 3 }),
    closestPath: bytes,
    closestValueHash: bytes,
    closestProof: fc.option(
      fc.record({
        sideNodes: fc.array(bytes, { maxLength: 9 }),
        nonMembershipLeafData: bytes,
        bitMask: fc.uint8Array({ maxLength: 2 }),
        numSideNodes: fc.integer({ min: -1, max: 17 }),
        siblingData: bytes,
      }),
      { nil: undefined },
    ),
  });
  fc.assert(fc.property(anything, (proof) => !verifyClosestProof(proof, root)));
});

test("stray bits behind the last side node are refused", () => {
  const proof = compactClosestProof(trie.proveClosest(new Uint8Array(32)));
  const inner = proof.closestProof;
  if (inner === undefined) throw new Error("no inner proof");
  const bitMask = new Uint8Array(inner.bitMask);
  bitMask[bitMask.length - 1] = (bitMask.at(-1) ?? 0) | 1;
  const stray = { ...proof, closestProof: { ...inner, bitMask, sideNodes: inner.sideNodes.slice(1) } };
  expect(inner.numSideNodes % 8).not.toBe(0);
  expect(() => decompactClosestProof(stray)).toThrow(expect.objectContaining({ code: "SMST_BAD_PROOF" }));
  expect(verifyClosestProof(stray, root)).toBe(false);
});
