import { toHex } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import { type Arena, EXTENSION, INNER, LEAF, NONE, type Payload } from "./arena.ts";
import type { Blocks } from "./blocks.ts";
import { EXTENSION_LENGTH, INNER_LENGTH, LEAF_LENGTH, LEAF_VALUE_START, TOTALS_LENGTH } from "./encoding.ts";
import type { Sha256Into } from "./hash.ts";
import { DIGEST_LENGTH, PATH_LENGTH } from "./nodes.ts";

const WORDS = DIGEST_LENGTH / 4;
const HASH_WORDS = 8;
const TOTAL_WORDS = TOTALS_LENGTH / 4;
const SUM = 32;
const COUNT = 40;

/** One inner node's encoding, placed so that everything behind its first byte lies on words of four bytes. */
const SHIFT = 3;
const memory = new ArrayBuffer(SHIFT + INNER_LENGTH);
const scratch = new Uint8Array(memory, SHIFT);
const scratchWords = new Int32Array(memory);
const scratchView = new DataView(memory);
const LEFT = 1;
const RIGHT = LEFT + WORDS;
const TOTALS = RIGHT + WORDS;
scratch[0] = 1;

let leafScratch = new Uint8Array(4096);

/** Sees to it that the node's digest is known, and all below it. */
export function ensureDigest(arena: Arena, id: number, into: Sha256Into): void {
  if (arena.isHashed(id)) return;
  const kind = arena.kind(id);
  if (kind === INNER) {
    const left = arena.child(id, 0);
    const right = arena.child(id, 1);
    ensureDigest(arena, left, into);
    ensureDigest(arena, right, into);
    fillInner(arena, left, right);
    hashScratch(arena, id, into);
  } else if (kind === EXTENSION) {
    ensureDigest(arena, arena.child(id, 0), into);
    hashChain(arena, id, into);
  } else hashLeaf(arena, id, into);
  arena.markHashed(id);
}

/** The one-sided inner nodes from the last to the first, each over what its place holds of the one below (mining-path 1.2). */
function hashChain(arena: Arena, id: number, into: Sha256Into): void {
  const start = arena.start(id);
  const path = arena.pathOffset(id);
  let below = arena.child(id, 0);
  for (let index = arena.end(id) - 1; index >= start; index--) {
    const bit = ((arena.paths[path + (index >> 3)] ?? 0) >> (7 - (index & 7))) & 1;
    if (bit === 1) fillInner(arena, NONE, below);
    else fillInner(arena, below, NONE);
    hashScratch(arena, id, into);
    below = id;
  }
}

function hashLeaf(arena: Arena, id: number, into: Sha256Into): void {
  const payload = payloadOf(arena, id);
  const length = LEAF_LENGTH + payload.value.length;
  if (leafScratch.length < length) leafScratch = new Uint8Array(2 * length);
  const encoding = leafScratch.subarray(0, length);
  writeLeaf(arena, id, payload, encoding);
  const digest = id * DIGEST_LENGTH;
  into(encoding, arena.digests, digest);
  arena.view.setBigUint64(digest + SUM, payload.weight);
  arena.view.setBigUint64(digest + COUNT, 1n);
}

/** Writes `00 || path || value || weight || 1` to `target`, whose length is exactly that (mining-path 1.1 and 1.2). */
function writeLeaf(arena: Arena, id: number, { value, weight }: Payload, target: Uint8Array): void {
  const path = arena.pathOffset(id);
  target[0] = 0;
  for (let index = 0; index < PATH_LENGTH; index++) target[1 + index] = arena.paths[path + index] ?? 0;
  target.set(value, LEAF_VALUE_START);
  const view = new DataView(target.buffer, target.byteOffset + target.length - TOTALS_LENGTH);
  view.setBigUint64(0, weight);
  view.setBigUint64(8, 1n);
}

/** The digest of the inner node in the scratch becomes that of a node. */
function hashScratch(arena: Arena, id: number, into: Sha256Into): void {
  into(scratch, arena.digests, id * DIGEST_LENGTH);
  const totals = id * WORDS + HASH_WORDS;
  for (let index = 0; index < TOTAL_WORDS; index++)
    arena.words[totals + index] = scratchWords[TOTALS + index] ?? 0;
}

/** `01 || left || right || sum || count`; sums and counts wrap around at 2^64 (mining-path 1.1 and 1.2). */
function fillInner({ words, view }: Arena, left: number, right: number): void {
  const fromLeft = left * WORDS;
  const fromRight = right * WORDS;
  for (let index = 0; index < WORDS; index++) {
    scratchWords[LEFT + index] = words[fromLeft + index] ?? 0;
    scratchWords[RIGHT + index] = words[fromRight + index] ?? 0;
  }
  addTotal(view, left * DIGEST_LENGTH + SUM, right * DIGEST_LENGTH + SUM, TOTALS * 4);
  addTotal(view, left * DIGEST_LENGTH + COUNT, right * DIGEST_LENGTH + COUNT, TOTALS * 4 + 8);
}

/** Adds two numbers of 64 bits, half by half: no number type of the language has 64 bits and is fast. */
function addTotal(view: DataView, left: number, right: number, to: number): void {
  const low = view.getUint32(left + 4) + view.getUint32(right + 4);
  const carry = low > 0xffffffff ? 1 : 0;
  scratchView.setUint32(to + 4, low);
  scratchView.setUint32(to, view.getUint32(left) + view.getUint32(right) + carry);
}

/** Throws AppError SMST_LEAF_DROPPED if memory does not have it. */
function payloadOf(arena: Arena, id: number): Payload {
  const payload = arena.payload(id);
  if (payload === undefined)
    throw new AppError("SMST_LEAF_DROPPED", "a leaf's payload is only in the store", {
      path: toHex(arena.path(id)),
    });
  return payload;
}

/** The stored form of a loaded node whose digest is known. A leaf must still hold its payload. */
export function nodeBytes(arena: Arena, id: number, blocks: Blocks): Uint8Array {
  const kind = arena.kind(id);
  if (kind === LEAF) return leafBytes(arena, id, blocks);
  if (kind !== INNER) return extensionBytes(arena, id, blocks);
  fillInner(arena, arena.child(id, 0), arena.child(id, 1));
  const encoding = blocks.take(INNER_LENGTH);
  encoding.set(scratch);
  return encoding;
}

function leafBytes(arena: Arena, id: number, blocks: Blocks): Uint8Array {
  const payload = payloadOf(arena, id);
  const encoding = blocks.take(LEAF_LENGTH + payload.value.length);
  writeLeaf(arena, id, payload, encoding);
  return encoding;
}

/** A node's digest, which is known. */
export function digestBytes({ digests }: Arena, id: number, blocks: Blocks): Uint8Array {
  const digest = blocks.take(DIGEST_LENGTH);
  const from = id * DIGEST_LENGTH;
  for (let index = 0; index < DIGEST_LENGTH; index++) digest[index] = digests[from + index] ?? 0;
  return digest;
}

function extensionBytes(arena: Arena, id: number, blocks: Blocks): Uint8Array {
  const encoding = blocks.take(EXTENSION_LENGTH);
  const path = arena.pathOffset(id);
  const child = arena.child(id, 0) * DIGEST_LENGTH;
  encoding[0] = 2;
  encoding[1] = arena.start(id);
  encoding[2] = arena.end(id);
  encoding.set(arena.paths.subarray(path, path + PATH_LENGTH), 3);
  encoding.set(arena.digests.subarray(child, child + DIGEST_LENGTH), 3 + PATH_LENGTH);
  const totals = 3 + PATH_LENGTH + DIGEST_LENGTH;
  encoding.set(arena.digests.subarray(child + SUM, child + DIGEST_LENGTH), totals);
  return encoding;
}
