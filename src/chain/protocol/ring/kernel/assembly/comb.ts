// Multiples of a fixed point from a table: C. H. Lim, P. J. Lee, "More flexible exponentiation with precomputation", CRYPTO 1994,
// with digits ±1 instead of 0 and 1 (scalar.ts).
//
// A scalar is the sum of ±2^i, i < 256. A comb's teeth are eight bits apart; `teeth` of them, 4, 8 or 16, are a block, and 32 / teeth
// blocks cover the 32 bytes. At position j the comb reads the bits j, 8 + j, 16 + j, … : for each block one number of `teeth` bits.
// The table has, for each block, all sums of ±2^(8·t)·P over its teeth t, and so each block at each position is one entry. With Q_j
// the sum of those at position j, the multiple is Q_0 + 2·(Q_1 + 2·(… + 2·Q_7)): 256 / teeth additions and 7 doublings. Of two sums
// that are each other's opposite the table has only the one whose highest tooth is +.
//
//   teeth   entries       bytes    additions
//   4       8 · 8           4 Ki   64
//   8       4 · 128        32 Ki   32
//   16      2 · 32768       4 Mi   16
import { clean, pack, unpack, unpackSigned } from "./field-products";
import { addAffine, double, fromAffine } from "./jacobian";
import { addQueued, makeAffine, queueSum } from "./batch";
import { copy, negate } from "./field";
import { ENTRY, FIELD, JACOBIAN, POINT } from "./layout";

export const POSITIONS: usize = 8;
const TEETH_MASK: u32 = 63;
/** Entries at one position of a side: at most those of two combs of four teeth. */
export const SEGMENT: usize = 16 * POINT;

/** 2^(8i)·P and twice that, for i < 32, in turn. */
const TEETH = memory.data(7680, 64); // 64 * JACOBIAN
/** Picked entries: address, with bit 0 set if the opposite is meant, and where the point goes. */
const PICKS = memory.data(32768, 64);
let picked: usize = 0;
let touched: u32 = 0;

/** Entries that a comb adds at each position. */
export function combBlocks(reference: u32): usize {
  return 32 / (reference & TEETH_MASK);
}

/** Picks the entries of one multiple; the block b of position j goes to point `first + b` of segment j of `segments`. */
export function pick(reference: u32, digits: usize, segments: usize, first: usize): void {
  const teeth = reference & TEETH_MASK;
  let table = <usize>(reference & ~TEETH_MASK);
  const blocks = combBlocks(reference);
  for (let block: usize = 0; block < blocks; block++) {
    let target = segments + (first + block) * POINT;
    for (let j: usize = 0; j < POSITIONS; j++) {
      const digit = blockDigit(digits, teeth, block, j);
      // all ones if the highest tooth is −: the entry is then that of the opposite signs
      const minus = (digit >>> (teeth - 1)) - 1;
      const index = (digit ^ minus) & ((1 << (teeth - 1)) - 1);
      store<u32>(PICKS + picked, (<u32>table + (index << 6)) | (minus & 1));
      store<u32>(PICKS + picked, <u32>target, 4);
      picked += 8;
      target += SEGMENT;
    }
    table += ENTRY << (teeth - 1);
  }
}

/** The bits of a block at position j, out of scalar.ts' digits. */
function blockDigit(digits: usize, teeth: u32, block: usize, j: usize): u32 {
  if (teeth == 8) return load<u8>(digits + 8 * block + j);
  if (teeth == 4) return (load<u8>(digits + 8 * (block >> 1) + j) >>> ((block & 1) << 2)) & 15;
  return load<u8>(digits + 16 * block + j) | (<u32>load<u8>(digits + 16 * block + j, 8) << 8);
}

/** Takes what was picked out of the tables. All lines are touched first: from memory, they then come at the same time. */
export function takePicked(): void {
  let sum: u32 = 0;
  for (let at = PICKS; at < PICKS + picked; at += 8) sum += load<u8>(<usize>load<u32>(at));
  touched = sum;
  for (let at = PICKS; at < PICKS + picked; at += 8) {
    const entry = load<u32>(at);
    const from = <usize>(entry & ~1);
    const out = <usize>load<u32>(at, 4);
    unpack(out, from);
    unpackSigned(out + FIELD, from + 32, 0 - (entry & 1));
  }
  picked = 0;
}

/** The sums of each of a side's positions, to the first point of each segment; done for all sides in turn by the caller. */
export function queueHalf(segments: usize, length: usize, job: usize): void {
  for (let j: usize = 0; j < POSITIONS; j++) {
    const segment = segments + j * SEGMENT;
    for (let i: usize = 0; i < length >> 1; i++)
      queueSum(segment + i * POINT, segment + (length - 1 - i) * POINT, segment + i * POINT, job);
  }
}

/** Q_0 + 2·(Q_1 + 2·(… + 2·Q_7)) of the first points of eight segments. */
export function joinPositions(out: usize, segments: usize): void {
  fromAffine(out, segments + 7 * SEGMENT);
  for (let j: isize = 6; j >= 0; j--) {
    double(out, out);
    addAffine(out, segments + <usize>j * SEGMENT);
  }
}

/**
 * Writes the table of a point. `work` is room for 80 bytes for each of its entries. None of these additions can fail: their terms are
 * different multiples of the point, below 2^249 in size.
 */
export function buildTable(reference: u32, point: usize, work: usize): void {
  const teeth = <usize>(reference & TEETH_MASK);
  const blocks = combBlocks(reference);
  const size: usize = POINT << (teeth - 1);
  raiseTeeth(point);
  for (let block: usize = 0; block < blocks; block++)
    for (let tooth: usize = 0; tooth < teeth; tooth++) {
      const target = work + block * size + tooth * POINT;
      const from = TEETH + 2 * (block * teeth + tooth) * POINT;
      copy(target, from);
      if (tooth + 1 < teeth) negate(target + FIELD, from + FIELD);
      else copy(target + FIELD, from + FIELD);
    }
  // Entry 0 has − at all teeth but the highest.
  for (let half = teeth >> 1; half > 0; half >>= 1) {
    for (let block: usize = 0; block < blocks; block++)
      for (let i: usize = 0; i < half; i++) {
        const a = work + block * size + i * POINT;
        queueSum(a, a + half * POINT, a, 0);
      }
    addQueued();
  }
  // Entry 2^t + m is entry m with + at tooth t: more by 2·2^(8t)·P.
  for (let tooth: usize = 0; tooth + 1 < teeth; tooth++) {
    const length: usize = POINT << tooth;
    for (let block: usize = 0; block < blocks; block++) {
      const step = TEETH + (2 * (block * teeth + tooth) + 1) * POINT;
      const first = work + block * size;
      for (let a = first; a < first + length; a += POINT) queueSum(a, step, a + length, 0);
    }
    addQueued();
  }
  let entry = <usize>(reference & ~TEETH_MASK);
  for (let at = work; at < work + blocks * size; at += FIELD) {
    clean(at, at);
    pack(entry, at);
    entry += 32;
  }
}

function raiseTeeth(point: usize): void {
  fromAffine(TEETH, point);
  for (let i: usize = 1; i < 64; i++) {
    const here = TEETH + i * JACOBIAN;
    double(here, here - JACOBIAN);
    if ((i & 1) == 0) for (let turn = 0; turn < 6; turn++) double(here, here);
  }
  makeAffine(TEETH, TEETH, 64, 0);
}
