// The field of p = 2^256 − 2^32 − 977: what is not a product. Products and the limbs are in the generated ./field-products
// (scripts/kernel-source.mjs), with the bounds that everything here keeps to.

const MASK: i64 = 0x1fffffff;
/** Bits of a clean top limb: 256 − 8·29. */
const TOP_BITS = 24;
const TOP_MASK = 0xffffff;

export const ONE: usize = memory.data<u32>([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
const SUM = memory.data(40, 8);

export function copy(out: usize, a: usize): void {
  store<u64>(out, load<u64>(a));
  store<u64>(out, load<u64>(a, 8), 8);
  store<u64>(out, load<u64>(a, 16), 16);
  store<u64>(out, load<u64>(a, 24), 24);
  store<u32>(out, load<u32>(a, 32), 32);
}

export function negate(out: usize, a: usize): void {
  for (let i: usize = 0; i < 36; i += 4) store<i32>(out + i, -load<i32>(a + i));
}

/** Carries from limb to limb, after adding to the lowest two. */
function carry(a: usize, low: i64, next: i64): void {
  let t = low;
  for (let i: usize = 0; i < 32; i += 4) {
    t += <i64>load<i32>(a + i);
    if (i == 4) t += next;
    store<i32>(a + i, <i32>(t & MASK));
    t >>= 29;
  }
  store<i32>(a, load<i32>(a, 32) + <i32>t, 32);
}

/**
 * The rest of `clean` for a value that is above −2^41 and below 2^256 + 2^41, with carried limbs. What is above bit 256, −1, 0 or 1,
 * comes back at the bottom, which leaves 0 to 2^256 − 1. Of that, p is taken off if it fits: v ≥ p exactly if v + 2^256 − p ≥ 2^256,
 * and then v − p is the rest of that sum.
 */
export function settle(a: usize): void {
  foldTop(a);
  copy(SUM, a);
  carry(SUM, 977, 8);
  if (load<i32>(SUM, 32) >> TOP_BITS == 0) return;
  copy(a, SUM);
  store<i32>(a, load<i32>(a, 32) & TOP_MASK, 32);
}

function foldTop(a: usize): void {
  const over = <i64>(load<i32>(a, 32) >> TOP_BITS);
  store<i32>(a, load<i32>(a, 32) & TOP_MASK, 32);
  carry(a, over * 977, over * 8);
}

/** Whether clean limbs are all zero. */
export function isZero(a: usize): bool {
  return (
    (load<u64>(a) | load<u64>(a, 8) | load<u64>(a, 16) | load<u64>(a, 24) | <u64>load<u32>(a, 32)) == 0
  );
}

/**
 * out = 3·a/2: three times the value, plus p if that is odd, moved down by a bit. Weak but for the top limb, which may reach
 * 1.5·2^29: in a product with weak limbs or a difference, plus a product of weak limbs, that still is below 2^63.
 */
export function threeHalves(out: usize, a: usize): void {
  // The limbs above the lowest count for even multiples, so the lowest one alone tells whether the value is odd. p's limbs, signed:
  // −977, −8, 0, …, 2^24.
  const odd: i64 = -(<i64>load<i32>(a) & 1);
  let limb = 3 * <i64>load<i32>(a) - (977 & odd);
  for (let i: usize = 0; i < 32; i += 4) {
    let next = 3 * <i64>load<i32>(a + i, 4);
    if (i == 0) next -= 8 & odd;
    if (i == 28) next += 0x1000000 & odd;
    // What limb i has above 29 bits goes up first, so that halving leaves weak limbs.
    next += limb >> 29;
    store<i32>(out + i, <i32>(((limb & MASK) >> 1) + ((next & 1) << 28)));
    limb = next;
  }
  store<i32>(out, <i32>(limb >> 1), 32);
}
