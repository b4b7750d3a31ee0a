// What the host calls. Memory up to `__heap_base` is the kernel's own; what lies above is the host's to hand out.
import { buildTable } from "./comb";
import { unpack } from "./field-products";
import { EXCHANGE, FIELD, JOBS, MAX_JOBS, MAX_STEPS } from "./layout";

export { setBase, verify } from "./verify";

/** Where the host writes jobs (layout.ts). */
export function jobs(): usize {
  return JOBS;
}

/** Where the host writes and reads everything else. */
export function exchange(): usize {
  return EXCHANGE;
}

export function maxJobs(): usize {
  return MAX_JOBS;
}

export function maxSteps(): usize {
  return MAX_STEPS;
}

/** Table of the point whose x and y, 32 little-endian bytes each, are at `exchange()`; `work` as in comb.ts. */
export function build(reference: u32, work: usize): void {
  unpack(EXCHANGE + 64, EXCHANGE);
  unpack(EXCHANGE + 64 + FIELD, EXCHANGE + 32);
  buildTable(reference, EXCHANGE + 64, work);
}

// For the tests.
export {
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
export { clean, threeHalves } from "./field";
export { invert } from "./inverse";
export { addAffine, double } from "./jacobian";
export { addQueued, queueSum } from "./batch";
export { challengeOf, combDigits } from "./scalar";
