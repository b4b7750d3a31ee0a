// Inverses modulo p by division steps: D. J. Bernstein, B.-Y. Yang, "Fast constant-time gcd computation and modular inversion",
// TCHES 2019(3). Not in constant time here: nothing secret comes by.
//
// A step takes (δ, f, g), f odd, to (1 − δ, g, (g − f)/2) if δ > 0 and g is odd, else to (1 + δ, f, (g + (g mod 2)·f)/2). From
// (1, p, a) it gets to g = 0 and f = ±1 in at most 742 steps for 256-bit numbers. 29 steps depend on the low 29 bits of f and g only;
// they are done on those, and what they do to the whole numbers is a 2×2 matrix over 2^29. With d and e, where d·a = f and e·a = g
// modulo p all along, the same matrix is applied to (d, e), and ±d is the inverse in the end.
import { copy, isZero, negate } from "./field";
import { clean } from "./field-products";

const MASK: i64 = 0x1fffffff;
/** 977^−1 modulo 2^29. Modulo 2^29, p is −977. */
const INVERSE_977: i64 = 0x12253531;
const P = memory.data<u32>([
  0x1ffffc2f, 0x1ffffff7, 0x1fffffff, 0x1fffffff, 0x1fffffff, 0x1fffffff, 0x1fffffff, 0x1fffffff, 0xffffff, 0,
]);
const F = memory.data(40, 8);
const G = memory.data(40, 8);
const D = memory.data(40, 8);
const E = memory.data(40, 8);

// The matrix of the last 29 steps: f' = (u·f + v·g) / 2^29, g' = (q·f + r·g) / 2^29.
let u: i64 = 0;
let v: i64 = 0;
let q: i64 = 0;
let r: i64 = 0;

/** out = a^−1, weak; false, and nothing written, if a is 0 modulo p. */
export function invert(out: usize, a: usize): bool {
  clean(G, a);
  if (isZero(G)) return false;
  copy(F, P);
  memory.fill(D, 0, 36);
  memory.fill(E, 0, 36);
  store<i32>(E, 1);
  let eta = -1; // −δ
  let top: usize = 32; // offset of the highest limb of f and g that is in use
  while (true) {
    eta = steps(eta, load<i32>(F) | (load<i32>(F, 4) << 29), load<i32>(G) | (load<i32>(G, 4) << 29));
    updateFactors();
    if (updateNumbers(top)) break;
    // A top limb that is only a sign goes into the one below it.
    const f = load<i32>(F + top);
    const g = load<i32>(G + top);
    if (top > 4 && f == f >> 31 && g == g >> 31) {
      top -= 4;
      store<i32>(F + top, load<i32>(F + top) | (f << 29));
      store<i32>(G + top, load<i32>(G + top) | (g << 29));
    }
  }
  if (load<i32>(F + top) < 0) negate(out, D);
  else copy(out, D);
  return true;
}

/** 29 steps on the low bits. Runs of steps that only halve, and runs in which f stays, are done at once. */
function steps(start: i32, low: i32, high: i32): i32 {
  let eta = start;
  let f = low;
  let g = high;
  let a = 1;
  let b = 0;
  let c = 0;
  let d = 1;
  let left = 29;
  while (true) {
    const zeros = ctz(g | (-1 << left));
    g >>= zeros;
    a <<= zeros;
    b <<= zeros;
    eta -= zeros;
    left -= zeros;
    if (left == 0) break;
    if (eta < 0) {
      eta = -eta;
      let t = f;
      f = g;
      g = -t;
      t = a;
      a = c;
      c = -t;
      t = b;
      b = d;
      d = -t;
    }
    // The next eta + 1 steps keep f: together they add w·f to g, where w makes that many low bits zero, w = −g/f. For odd f,
    // f·(f² − 2) is −1/f modulo 64: with f² = 1 + 8k, times f it is (1 + 8k)(8k − 1) = 64k² − 1.
    const run = min(min(eta + 1, left), 6);
    const w = (g * (f * (f * f - 2))) & ((1 << run) - 1);
    g += w * f;
    c += w * a;
    d += w * b;
  }
  u = a;
  v = b;
  q = c;
  r = d;
  return eta;
}

/**
 * (d, e) ← matrix·(d, e) / 2^29 modulo p. A multiple m·p that makes the low 29 bits zero is added first, with −2^28 ≤ m < 2^28; so d
 * and e grow by p/2 at most each time, and the 26 times that there can be leave them below 2^260.
 */
function updateFactors(): void {
  let d = <i64>load<i32>(D);
  let e = <i64>load<i32>(E);
  let td = u * d + v * e;
  let te = q * d + r * e;
  const md = (((td * INVERSE_977) << 35) >> 35);
  const me = (((te * INVERSE_977) << 35) >> 35);
  td = (td - 977 * md) >> 29;
  te = (te - 977 * me) >> 29;
  // p's limbs, signed: −977, −8, 0, …, 2^24
  td -= md << 3;
  te -= me << 3;
  for (let i: usize = 0; i < 28; i += 4) {
    d = <i64>load<i32>(D + i, 4);
    e = <i64>load<i32>(E + i, 4);
    td += u * d + v * e;
    te += q * d + r * e;
    store<i32>(D + i, <i32>(td & MASK));
    store<i32>(E + i, <i32>(te & MASK));
    td >>= 29;
    te >>= 29;
  }
  d = <i64>load<i32>(D, 32);
  e = <i64>load<i32>(E, 32);
  td += u * d + v * e + (md << 24);
  te += q * d + r * e + (me << 24);
  store<i32>(D, <i32>(td & MASK), 28);
  store<i32>(E, <i32>(te & MASK), 28);
  store<i32>(D, <i32>(td >> 29), 32);
  store<i32>(E, <i32>(te >> 29), 32);
}

/** (f, g) ← matrix·(f, g) / 2^29, exactly; true if g is 0 now. */
function updateNumbers(top: usize): bool {
  let f = <i64>load<i32>(F);
  let g = <i64>load<i32>(G);
  let tf = (u * f + v * g) >> 29;
  let tg = (q * f + r * g) >> 29;
  let any: i64 = 0;
  for (let i: usize = 0; i < top; i += 4) {
    f = <i64>load<i32>(F + i, 4);
    g = <i64>load<i32>(G + i, 4);
    tf += u * f + v * g;
    tg += q * f + r * g;
    any |= tg & MASK;
    store<i32>(F + i, <i32>(tf & MASK));
    store<i32>(G + i, <i32>(tg & MASK));
    tf >>= 29;
    tg >>= 29;
  }
  store<i32>(F + top, <i32>tf);
  store<i32>(G + top, <i32>tg);
  return (any | tg) == 0;
}
