import { bigToBytes, bytesToBig, compareBytes } from "../../base/bytes.ts";
import { AppError } from "../../base/errors.ts";
import { add, bigFloat, complement, fromDouble, multiply, truncate } from "./big-float.ts";

/** An exact positive fraction in lowest terms. */
export type Fraction = { readonly numerator: bigint; readonly denominator: bigint };

const HASH_BYTES = 32;

/** The easiest target, 32 bytes FF: a service that never had traffic has it. */
export const BASE_TARGET: Uint8Array = new Uint8Array(HASH_BYTES).fill(0xff);

const BASE = bytesToBig(BASE_TARGET);
const EMA_PRECISION_BITS = 64;
const NEW_WEIGHT = fromDouble(0.1);
const OLD_WEIGHT = complement(NEW_WEIGHT);

/** Whether a relay counts: its hash, as a byte string, is below the target (relay-path 2.4). */
export const relayApplicable = (relayHash: Uint8Array, target: Uint8Array): boolean =>
  compareBytes(relayHash, target) < 0;

/**
 * How many relays one applicable relay stands for: highest target / target, the target read as a big-endian integer of any
 * length (relay-path 2.4, mining-path 9.1). Throws AppError DIFFICULTY_INVALID on an empty or zero target.
 */
export function difficultyMultiplier(target: Uint8Array): Fraction {
  const denominator = bytesToBig(target);
  if (denominator === 0n)
    throw new AppError("DIFFICULTY_INVALID", "the difficulty target is zero", { bytes: target.length });
  const divisor = greatestCommonDivisor(BASE, denominator);
  return { numerator: BASE / divisor, denominator: denominator / divisor };
}

/**
 * Where a target moves with the traffic: target · targetNumRelays / relaysEma rounded down, at most the highest target; unchanged
 * if both numbers are equal (relay-path 2.4). The chain always starts from BASE_TARGET. Throws AppError DIFFICULTY_INVALID for an
 * average of 0, which has no answer.
 */
export function nextDifficulty(target: Uint8Array, targetNumRelays: bigint, relaysEma: bigint): Uint8Array {
  if (targetNumRelays === relaysEma) return target;
  if (relaysEma === 0n) throw new AppError("DIFFICULTY_INVALID", "the average number of relays is zero");
  const next = (bytesToBig(target) * targetNumRelays) / relaysEma;
  return next >= BASE ? BASE_TARGET : bigToBytes(next, HASH_BYTES);
}

/**
 * The moving average of a service's settled leaves after a block that settled `relays` of them: 0.1 · relays + 0.9 · previous,
 * in binary floats of 64 bits made from the double 0.1, cut to an integer (chain 9).
 */
export const nextRelaysEma = (previous: bigint, relays: bigint): bigint =>
  truncate(
    add(
      multiply(NEW_WEIGHT, bigFloat(relays), EMA_PRECISION_BITS),
      multiply(OLD_WEIGHT, bigFloat(previous), EMA_PRECISION_BITS),
      EMA_PRECISION_BITS,
    ),
  );

function greatestCommonDivisor(left: bigint, right: bigint): bigint {
  let [larger, smaller] = [left, right];
  while (smaller !== 0n) [larger, smaller] = [smaller, larger % smaller];
  return larger;
}
