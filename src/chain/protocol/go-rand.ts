import { createHash } from "node:crypto";
import { GO_RAND_TABLE } from "./go-rand-table.ts";

/**
 * Go's math/rand of version 1, which the chain samples claims with (mining-path 4.4): an additive lagged Fibonacci generator
 * whose state is filled by a linear congruential one.
 */

const SIZE = 607;
const TAP_DISTANCE = 334;
const MODULUS = 2n ** 31n - 1n;
const FACTOR = 48_271;
const SEED_FOR_ZERO = 89_482_311;
const WARM_UP = 20;
const INT63 = 2n ** 63n - 1n;
const TWO_POW_63 = 2 ** 63;
const MAX_VARINT_BYTES = 10;

export class GoRand {
  readonly #state: BigUint64Array;
  #tap = 0;
  #feed = TAP_DISTANCE;

  /** `seed` is a signed 64-bit integer; seeds that are equal modulo 2^31 − 1 give the same numbers. */
  constructor(seed: bigint) {
    this.#state = initialState(seed);
  }

  uint64(): bigint {
    this.#tap = (this.#tap + SIZE - 1) % SIZE;
    this.#feed = (this.#feed + SIZE - 1) % SIZE;
    const sum = BigInt.asUintN(64, (this.#state[this.#feed] ?? 0n) + (this.#state[this.#tap] ?? 0n));
    this.#state[this.#feed] = sum;
    return sum;
  }

  int63(): bigint {
    return this.uint64() & INT63;
  }

  /** In [0, 1): a draw that rounds up to 1 is thrown away. */
  float64(): number {
    for (;;) {
      const float = Number(this.int63()) / TWO_POW_63;
      if (float !== 1) return float;
    }
  }
}

/** The first number in [0, 1) of the generator seeded by a hash of the input (mining-path 4.4). */
export const seededFloat64 = (...parts: readonly Uint8Array[]): number =>
  new GoRand(hashedSeed(...parts)).float64();

/** The signed varint at the front of the sha256 of the joined parts; 0 if it does not fit 64 bits (mining-path 4.4). */
export function hashedSeed(...parts: readonly Uint8Array[]): bigint {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return readVarint(hash.digest()).value;
}

/** Go's binary.Varint: the number of bytes is 0 if they ran out and negative if the number does not fit 64 bits. */
export function readVarint(bytes: Uint8Array): { readonly value: bigint; readonly bytesRead: number } {
  let unsigned = 0n;
  for (const [index, byte] of bytes.entries()) {
    if (index === MAX_VARINT_BYTES) return { value: 0n, bytesRead: -(index + 1) };
    if (byte < 0x80) {
      if (index === MAX_VARINT_BYTES - 1 && byte > 1) return { value: 0n, bytesRead: -(index + 1) };
      unsigned |= BigInt(byte) << BigInt(7 * index);
      const half = unsigned >> 1n;
      return { value: unsigned % 2n === 0n ? half : -half - 1n, bytesRead: index + 1 };
    }
    unsigned |= BigInt(byte & 0x7f) << BigInt(7 * index);
  }
  return { value: 0n, bytesRead: 0 };
}

function initialState(seed: bigint): BigUint64Array {
  // products stay below 2^47: doubles are exact
  let current = Number(((seed % MODULUS) + MODULUS) % MODULUS) || SEED_FOR_ZERO;
  const next = (): bigint => {
    current = (current * FACTOR) % Number(MODULUS);
    return BigInt(current);
  };
  for (let skipped = 0; skipped < WARM_UP; skipped++) next();
  return BigUint64Array.from(GO_RAND_TABLE, (value) =>
    BigInt.asUintN(64, (next() << 40n) ^ (next() << 20n) ^ next() ^ value),
  );
}
