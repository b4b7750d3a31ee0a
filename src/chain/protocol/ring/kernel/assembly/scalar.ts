// Integers modulo n, the order of the curve's group; n = 2^256 − δ with δ of 129 bits.

const DELTA = memory.data<u32>([0x2fc9bebf, 0x402da173, 0x50b75fc4, 0x45512319, 1]);
const WIDE = memory.data(128, 8);
const FOLDED = memory.data(128, 8);

/** 32 big-endian bytes to little-endian words. */
export function readScalar(out: usize, bytes: usize): void {
  for (let i: usize = 0; i < 32; i += 8) store<u64>(out + 24 - i, bswap<u64>(load<u64>(bytes + i)));
}

export function sameScalar(a: usize, b: usize): bool {
  return (
    ((load<u64>(a) ^ load<u64>(b)) |
      (load<u64>(a, 8) ^ load<u64>(b, 8)) |
      (load<u64>(a, 16) ^ load<u64>(b, 16)) |
      (load<u64>(a, 24) ^ load<u64>(b, 24))) ==
    0
  );
}

/** out = a + the 32-bit words at b, of which there are `words`; what is carried out of 256 bits. */
function add(out: usize, a: usize, b: usize, words: usize): u64 {
  let t: u64 = 0;
  for (let i: usize = 0; i < 32; i += 4) {
    t += <u64>load<u32>(a + i);
    if (i < 4 * words) t += <u64>load<u32>(b + i);
    store<u32>(out + i, <u32>t);
    t >>= 32;
  }
  return t;
}

/** Takes n off once if it fits: a ≥ n exactly if a + δ ≥ 2^256, and then a − n is the rest of that sum. */
function takeOrder(a: usize): void {
  if (add(FOLDED, a, DELTA, 5) != 0) memory.copy(a, FOLDED, 32);
}

/**
 * The challenge of a 64-byte SHA3-512 hash (relay-path 3.4): the hash, a big-endian integer, modulo n; then its bytes without leading
 * zeros, at the left of 32, as the chain's library has it, and modulo n again.
 */
export function challengeOf(out: usize, hash: usize): void {
  for (let i: usize = 0; i < 64; i += 8) store<u64>(WIDE + 56 - i, bswap<u64>(load<u64>(hash + i)));
  // 2^256 is δ modulo n. Four times leave 512 bits with 386, 260, 257 and 256.
  for (let turn = 0; turn < 4; turn++) fold();
  takeOrder(WIDE);
  alignLeft(WIDE);
  takeOrder(WIDE);
  memory.copy(out, WIDE, 32);
}

/** WIDE = its lower 256 bits + δ · what is above. */
function fold(): void {
  memory.copy(FOLDED, WIDE, 32);
  memory.fill(FOLDED + 32, 0, 32);
  for (let i: usize = 0; i < 32; i += 4) {
    const upper = <u64>load<u32>(WIDE + i, 32);
    if (upper == 0) continue;
    let t: u64 = 0;
    for (let j: usize = 0; j < 20; j += 4) {
      t += <u64>load<u32>(FOLDED + i + j) + upper * <u64>load<u32>(DELTA + j);
      store<u32>(FOLDED + i + j, <u32>t);
      t >>= 32;
    }
    for (let j = i + 20; t != 0; j += 4) {
      t += <u64>load<u32>(FOLDED + j);
      store<u32>(FOLDED + j, <u32>t);
      t >>= 32;
    }
  }
  memory.copy(WIDE, FOLDED, 64);
}

function alignLeft(a: usize): void {
  for (let turn = 0; turn < 32 && load<u8>(a, 31) == 0; turn++) {
    memory.copy(a + 1, a, 31);
    store<u8>(a, 0);
  }
}

/**
 * The digits of a scalar d for the combs. E = (d + 2^256 − 1)/2 modulo n, and then d is the sum of ±2^i for i < 256, + where bit i of E
 * is set: no digit is zero, for no d (M. Hamburg, "Fast and compact elliptic-curve cryptography", 2012, 3.3). Modulo n, 2^256 − 1 is
 * δ − 1. Written down so that byte j of word w holds bits j, 8 + j, …, 56 + j of word w of E: what a comb reads at once.
 */
export function combDigits(out: usize, scalar: usize): void {
  // d + δ − 1 < 2^256, as d < n. If it is odd, plus n = 2^256 − δ, it is even: minus δ, with 2^256 on top of that.
  add(WIDE, scalar, DELTA, 5);
  let borrow: u64 = 1;
  let top: u64 = 0;
  if ((load<u32>(WIDE) & 1) == 0) {
    // d + δ is even: d + δ − 1 is odd, and d + δ − 1 + n = d + 2^256 − 1.
    memory.copy(WIDE, scalar, 32);
    top = 1;
  }
  for (let i: usize = 0; i < 32; i += 8) {
    const word = load<u64>(WIDE + i);
    store<u64>(WIDE + i, word - borrow);
    borrow = <u64>(word < borrow);
  }
  top -= borrow;
  for (let i: usize = 0; i < 32; i += 8) {
    const next = i < 24 ? load<u64>(WIDE + i, 8) : top;
    store<u64>(out + i, transpose((load<u64>(WIDE + i) >> 1) | (next << 63)));
  }
}

/** Bit j of byte t to bit t of byte j: three rounds that swap squares of 1, 2 and 4 bits across the diagonal. */
function transpose(bits: u64): u64 {
  let a = bits;
  let t = (a ^ (a >> 7)) & 0x00aa00aa00aa00aa;
  a ^= t ^ (t << 7);
  t = (a ^ (a >> 14)) & 0x0000cccc0000cccc;
  a ^= t ^ (t << 14);
  t = (a ^ (a >> 28)) & 0x00000000f0f0f0f0;
  return a ^ t ^ (t << 28);
}
