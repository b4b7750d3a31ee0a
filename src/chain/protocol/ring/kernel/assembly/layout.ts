// Sizes and places in memory. All addresses are fixed when the kernel is compiled, except those of key tables, which the host gives.

/** A field element in work: nine 32-bit limbs, and four bytes that nobody uses. */
export const FIELD: usize = 40;
/** An affine point in work: x, y. */
export const POINT: usize = 2 * FIELD;
/** A point in Jacobian coordinates: (X : Y : Z) is (X/Z², Y/Z³). */
export const JACOBIAN: usize = 3 * FIELD;
/** An affine point at rest, in a table: x and y of 32 little-endian bytes, one cache line. */
export const ENTRY: usize = 64;
/** An integer modulo the group's order: 32 little-endian bytes. */
export const SCALAR: usize = 32;

/** Signatures of one call. */
export const MAX_JOBS: usize = 16;
/** Members of one signature. */
export const MAX_STEPS: usize = 64;

// One signature to verify, as the host writes it. Numbers of 32 bytes are big-endian. A table's reference is its address, which is a
// multiple of 64, plus its number of teeth (comb.ts).
export const JOB_DIGEST: usize = 0;
export const JOB_CHALLENGE: usize = 32;
export const JOB_IMAGE: usize = 64; // reference
export const JOB_COUNT: usize = 68; // u32, members
export const JOB_STATUS: usize = 72; // u32, the answer
export const JOB_STEPS: usize = 80;
export const STEP_SCALAR: usize = 0;
export const STEP_POINT: usize = 32; // reference: the member's public key
export const STEP_HASH: usize = 36; // reference: its hash to the curve
export const STEP: usize = 40;
export const JOB: usize = JOB_STEPS + MAX_STEPS * STEP;

export const INVALID: u32 = 0;
export const VALID: u32 = 1;
/** An addition met a case that its formula does not have: the answer is not known. */
export const UNKNOWN: u32 = 2;

export const JOBS: usize = memory.data(42240, 64); // MAX_JOBS * JOB, which has to be a literal
/** What the host gives to and takes from the exports that are about one thing. */
export const EXCHANGE: usize = memory.data(512, 64);
