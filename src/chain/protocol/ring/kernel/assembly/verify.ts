// Verification of ring signatures (relay-path 3.5), several at once: for each member L = s·G + c·P and R = s·H(P) + c·I, and c of the
// next is the challenge of L and R; the signature is good if the last c is the first again. All multiples come from tables. Entries of
// all signatures, sides and positions are added in pairs, level by level, with one inversion for a level.
import { addQueued, makeAffine } from "./batch";
import { challenge } from "./challenge";
import { combBlocks, joinPositions, pick, POSITIONS, queueHalf, SEGMENT, takePicked } from "./comb";
import {
  INVALID,
  JACOBIAN,
  JOB,
  JOB_CHALLENGE,
  JOB_COUNT,
  JOB_DIGEST,
  JOB_IMAGE,
  JOB_STATUS,
  JOB_STEPS,
  JOBS,
  POINT,
  SCALAR,
  STEP,
  STEP_HASH,
  STEP_POINT,
  STEP_SCALAR,
  UNKNOWN,
  VALID,
} from "./layout";
import { combDigits, readScalar, sameScalar } from "./scalar";

/** Table of the curve's base point. */
let base: u32 = 0;

/** The challenges that the jobs are at. */
const CURRENT = memory.data(512, 8); // MAX_JOBS * SCALAR
const FIRST = memory.data(32, 8);
const DIGITS_S = memory.data(32, 8);
const DIGITS_C = memory.data(32, 8);

// A side is the L or the R of a job's step: eight segments of points, one for each position, and in the end one point.
const POINTS = memory.data(327680, 64); // 2 * MAX_JOBS * POSITIONS * SEGMENT
const SUMS = memory.data(3840, 64); // 2 * MAX_JOBS * JACOBIAN
const SIDE_JOBS = memory.data(128, 4);
const SIDE_LENGTHS = memory.data(128, 4);
let sides: usize = 0;

export function setBase(reference: u32): void {
  base = reference;
}

/** Verifies the first `count` jobs, and writes each one's status. */
export function verify(count: usize): void {
  for (let i: usize = 0; i < count; i++) {
    store<u32>(JOBS + i * JOB + JOB_STATUS, INVALID);
    readScalar(CURRENT + i * SCALAR, JOBS + i * JOB + JOB_CHALLENGE);
  }
  for (let step: usize = 0; gather(count, step); step++) {
    takePicked();
    addLevels();
    for (let side: usize = 0; side < sides; side++) joinPositions(SUMS + side * JACOBIAN, segmentsOf(side));
    makeAffine(SUMS, SUMS, sides, SIDE_JOBS);
    for (let side: usize = 0; side < sides; side += 2) {
      const job = <usize>load<u32>(SIDE_JOBS + 4 * side);
      const left = SUMS + side * POINT;
      challenge(CURRENT + ((job - JOBS) / JOB) * SCALAR, job + JOB_DIGEST, left, left + POINT);
    }
  }
  for (let i: usize = 0; i < count; i++) {
    const job = JOBS + i * JOB;
    readScalar(FIRST, job + JOB_CHALLENGE);
    if (load<u32>(job + JOB_STATUS) != UNKNOWN && sameScalar(FIRST, CURRENT + i * SCALAR))
      store<u32>(job + JOB_STATUS, VALID);
  }
}

function segmentsOf(side: usize): usize {
  return POINTS + side * POSITIONS * SEGMENT;
}

/** Picks the entries of this step of all jobs that have one; false if none has. */
function gather(count: usize, index: usize): bool {
  sides = 0;
  for (let i: usize = 0; i < count; i++) {
    const job = JOBS + i * JOB;
    if (index >= <usize>load<u32>(job + JOB_COUNT)) continue;
    const step = job + JOB_STEPS + index * STEP;
    readScalar(FIRST, step + STEP_SCALAR);
    combDigits(DIGITS_S, FIRST);
    combDigits(DIGITS_C, CURRENT + i * SCALAR);
    addSide(job, base, load<u32>(step + STEP_POINT));
    addSide(job, load<u32>(step + STEP_HASH), load<u32>(job + JOB_IMAGE));
  }
  return sides > 0;
}

/** One more side: s times the point of one table and c times that of the other. */
function addSide(job: usize, byS: u32, byC: u32): void {
  const segments = segmentsOf(sides);
  pick(byS, DIGITS_S, segments, 0);
  pick(byC, DIGITS_C, segments, combBlocks(byS));
  store<u32>(SIDE_JOBS + 4 * sides, <u32>job);
  store<u32>(SIDE_LENGTHS + 4 * sides, <u32>(combBlocks(byS) + combBlocks(byC)));
  sides++;
}

/** Adds up each position of each side. */
function addLevels(): void {
  let longest: usize = 0;
  do {
    longest = 1;
    for (let side: usize = 0; side < sides; side++) {
      const length = <usize>load<u32>(SIDE_LENGTHS + 4 * side);
      if (length < 2) continue;
      queueHalf(segmentsOf(side), length, <usize>load<u32>(SIDE_JOBS + 4 * side));
      const left = (length + 1) >> 1;
      store<u32>(SIDE_LENGTHS + 4 * side, <u32>left);
      longest = max(longest, left);
    }
    addQueued();
  } while (longest > 1);
}
