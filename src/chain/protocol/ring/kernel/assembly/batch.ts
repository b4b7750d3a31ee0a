// Work that is gathered first and then done together, because the inverse of a product gives all inverses: P. L. Montgomery,
// "Speeding the Pollard and elliptic curve methods of factorization", Math. Comp. 48 (1987), 10.3.1. With prefixes
// q_i = d_0·…·d_(i−1), the inverse of d_i is q_i / q_(i+1): one inversion and three multiplications for each.
import { clean, mul, mulDiff, mulDiffSub, sqrSub } from "./field-products";
import { copy, isZero, ONE } from "./field";
import { invert } from "./inverse";
import { FIELD, JACOBIAN, JOB_STATUS, POINT, UNKNOWN } from "./layout";

const MAX_PAIRS: usize = 2048;
/** A queued addition: the terms, where the sum goes, and the job it is for (0 for none). */
const PAIR: usize = 16;
const PAIRS = memory.data(32768, 64); // MAX_PAIRS * PAIR
const PREFIXES = memory.data(81960, 64); // (MAX_PAIRS + 1) * FIELD
const RUNNING = memory.data(40, 8);
const SLOPE = memory.data(40, 8);
const X = memory.data(40, 8);

let queued: usize = 0;

/** Lines up an addition of affine points. None may need the sum of another; `out` may be one of the terms. */
export function queueSum(a: usize, b: usize, out: usize, job: usize): void {
  if (queued == MAX_PAIRS * PAIR) addQueued();
  const pair = PAIRS + queued;
  store<u32>(pair, <u32>a);
  store<u32>(pair, <u32>b, 4);
  store<u32>(pair, <u32>out, 8);
  store<u32>(pair, <u32>job, 12);
  queued += PAIR;
}

/**
 * Does all additions of the queue: slope s = (y_b − y_a)/(x_b − x_a), x = s² − x_a − x_b, y = s·(x_a − x) − y_a. Terms with one x have
 * no such slope: the job of those is marked as unknown, and their sum is some other point.
 */
export function addQueued(): void {
  if (queued == 0) return;
  while (!invert(RUNNING, differences())) partEqual();
  let prefix = PREFIXES + (queued / PAIR) * FIELD;
  for (let pair = PAIRS + queued - PAIR; pair >= PAIRS; pair -= PAIR) {
    prefix -= FIELD;
    const a = <usize>load<u32>(pair);
    const b = <usize>load<u32>(pair, 4);
    const out = <usize>load<u32>(pair, 8);
    mul(SLOPE, RUNNING, prefix); // 1 / (x_b − x_a)
    mulDiff(RUNNING, RUNNING, b, a);
    mulDiff(SLOPE, SLOPE, b + FIELD, a + FIELD);
    sqrSub(X, SLOPE, a, b);
    mulDiffSub(out + FIELD, SLOPE, a, X, a + FIELD);
    copy(out, X);
  }
  queued = 0;
}

/** Prefix products of the x differences; the address of the last one. */
function differences(): usize {
  let prefix = PREFIXES;
  copy(prefix, ONE);
  for (let pair = PAIRS; pair < PAIRS + queued; pair += PAIR) {
    mulDiff(prefix + FIELD, prefix, <usize>load<u32>(pair, 4), <usize>load<u32>(pair));
    prefix += FIELD;
  }
  return prefix;
}

/** Makes terms with one x differ, and marks their jobs. */
function partEqual(): void {
  for (let pair = PAIRS; pair < PAIRS + queued; pair += PAIR) {
    const b = <usize>load<u32>(pair, 4);
    mulDiff(X, ONE, b, <usize>load<u32>(pair));
    clean(X, X);
    if (!isZero(X)) continue;
    mark(<usize>load<u32>(pair, 12));
    store<i32>(b, load<i32>(b) ^ 1);
  }
}

function mark(job: usize): void {
  if (job != 0) store<u32>(job + JOB_STATUS, UNKNOWN);
}

/**
 * Makes `count` Jacobian points affine, in work form, one after the other at `out`. `jobs` is an array of their jobs, or 0; the job of
 * a point at infinity is marked as unknown, and what is written for the point is none. `out` may be before or at `points`.
 */
export function makeAffine(out: usize, points: usize, count: usize, jobs: usize): void {
  while (!invert(RUNNING, denominators(points, count))) {
    for (let i: usize = 0; i < count; i++) {
      const z = points + i * JACOBIAN + 2 * FIELD;
      clean(X, z);
      if (!isZero(X)) continue;
      if (jobs != 0) mark(<usize>load<u32>(jobs + 4 * i));
      copy(z, ONE);
    }
  }
  for (let i = count; i > 0; i--) {
    const point = points + (i - 1) * JACOBIAN;
    const z = point + 2 * FIELD;
    mul(X, RUNNING, PREFIXES + (i - 1) * FIELD); // 1 / Z
    mul(RUNNING, RUNNING, z);
    mul(SLOPE, X, X);
    mul(point, point, SLOPE);
    mul(SLOPE, SLOPE, X);
    mul(point + FIELD, point + FIELD, SLOPE);
  }
  for (let i: usize = 0; i < count; i++) {
    copy(out + i * POINT, points + i * JACOBIAN);
    copy(out + i * POINT + FIELD, points + i * JACOBIAN + FIELD);
  }
}

function denominators(points: usize, count: usize): usize {
  copy(PREFIXES, ONE);
  for (let i: usize = 0; i < count; i++)
    mul(PREFIXES + (i + 1) * FIELD, PREFIXES + i * FIELD, points + i * JACOBIAN + 2 * FIELD);
  return PREFIXES + count * FIELD;
}
