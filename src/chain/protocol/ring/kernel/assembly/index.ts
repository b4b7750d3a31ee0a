// What the host calls. Memory up to `free()` is the kernel's own; what lies above is the host's to hand out.
import { buildTable } from "./comb";
import { unpack } from "./field-products";
import { EXCHANGE, FIELD, JOBS, MAX_JOBS, MAX_STEPS } from "./layout";
import { readScalar } from "./scalar";

export { setBase, verify } from "./verify";

/** Where the host writes jobs (layout.ts). */
export function jobs(): usize {
  return JOBS;
}

/** Where the host writes and reads everything else. */
export function exchange(): usize {
  return EXCHANGE;
}

/** The first address that is the host's, a multiple of 64. */
export function free(): usize {
  return (__heap_base + 63) & ~63;
}

export function maxJobs(): usize {
  return MAX_JOBS;
}

export function maxSteps(): usize {
  return MAX_STEPS;
}

/** Table of the point whose x and y, 32 big-endian bytes each, are at `exchange()`; `work` as in comb.ts. */
export function build(reference: u32, work: usize): void {
  const point = EXCHANGE + 128;
  readScalar(EXCHANGE + 64, EXCHANGE);
  readScalar(EXCHANGE + 96, EXCHANGE + 32);
  unpack(point, EXCHANGE + 64);
  unpack(point + FIELD, EXCHANGE + 96);
  buildTable(reference, point, work);
}

// For the tests.
export {
  clean,
  mul,
  mulDiff,
  mulDiffSub,
  mulDiffSubMul,
  mulDiffSubSqr,
  mulSub,
  pack,
  sqr,
  sqrSub,
  sqrSubTwice,
  unpack,
  unpackSigned,
} from "./field-products";
export { threeHalves } from "./field";
export { invert } from "./inverse";
export { addAffine, double } from "./jacobian";
export { addQueued, queueSum } from "./batch";
export { permute } from "./keccak-rounds";
export { challengeOf, combDigits } from "./scalar";
