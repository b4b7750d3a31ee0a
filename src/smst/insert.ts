import { AppError } from "../base/errors.ts";
import { type Arena, childLink, EXTENSION, INNER, LEAF, NONE, ROOT_LINK } from "./arena.ts";
import { firstDifference, PATH_BITS } from "./nodes.ts";
import type { Orphans } from "./orphans.ts";

/** Puts a new leaf in its place in the trie (mining-path 1.3). The way to it must be loaded. */
export function insertLeaf(arena: Arena, leaf: number, orphans: Orphans): void {
  const path = arena.pathOffset(leaf);
  let link = ROOT_LINK;
  let depth = 0;
  for (;;) {
    const node = arena.links[link] ?? NONE;
    const kind = arena.kind(node);
    if (kind === INNER) {
      orphans.touch(arena, node);
      link = childLink(node, bitOf(arena, path, depth));
      depth++;
    } else if (kind === EXTENSION) {
      const end = arena.end(node);
      const fork = firstDifference(arena.pathAt(node), arena.pathAt(leaf), arena.start(node), end);
      orphans.touch(arena, node);
      if (fork !== end) {
        const split = splitExtension(arena, node, fork, leaf);
        arena.links[link] = split;
        return;
      }
      link = childLink(node, 0);
      depth = end;
    } else {
      const last = atEnd(arena, { node, depth, leaf, orphans });
      arena.links[link] = last;
      return;
    }
  }
}

const bitOf = ({ paths }: Arena, path: number, index: number): number =>
  ((paths[path + (index >> 3)] ?? 0) >> (7 - (index & 7))) & 1;

type End = {
  readonly node: number;
  readonly depth: number;
  readonly leaf: number;
  readonly orphans: Orphans;
};

/** What takes the place of the last node on the way: of none, or of another leaf. */
function atEnd(arena: Arena, { node, depth, leaf, orphans }: End): number {
  if (node === NONE) return leaf;
  if (arena.kind(node) !== LEAF)
    throw new AppError("SMST_NOT_LOADED", "a node on the way to a leaf was not loaded first");
  const fork = firstDifference(arena.pathAt(node), arena.pathAt(leaf), depth, PATH_BITS);
  if (fork === PATH_BITS) {
    orphans.giveUp(arena, node);
    arena.free(node);
    return leaf;
  }
  const branch = branchAt(arena, fork, node, leaf);
  return fork > depth ? arena.newExtension(arena.pathAt(leaf), depth, fork, branch) : branch;
}

function splitExtension(arena: Arena, node: number, fork: number, leaf: number): number {
  const [start, end, child] = [arena.start(node), arena.end(node), arena.child(node, 0)];
  const tail = fork === end - 1 ? child : arena.newExtension(arena.pathAt(node), fork + 1, end, child);
  const branch = branchAt(arena, fork, tail, leaf);
  const head = fork === start ? branch : arena.newExtension(arena.pathAt(node), start, fork, branch);
  arena.free(node);
  return head;
}

/** The inner node at bit `fork`: the new leaf on its path's side, `old` on the other one. */
const branchAt = (arena: Arena, fork: number, old: number, leaf: number): number =>
  bitOf(arena, arena.pathOffset(leaf), fork) === 1 ? arena.newInner(old, leaf) : arena.newInner(leaf, old);
