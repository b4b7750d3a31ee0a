import { bigToBytes, bytesToBig, compareBytes, fromHex } from "../../base/bytes.ts";

/** Order N of secp256k1's group. */
export const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

const ORDER_BYTES = bigToBytes(ORDER, 32);
const HALF_ORDER_BYTES = bigToBytes(ORDER / 2n, 32);
const ZERO = new Uint8Array(32);

/** 32 big-endian bytes of an integer modulo N. */
export const scalarBytes = (value: bigint): Uint8Array => bigToBytes(((value % ORDER) + ORDER) % ORDER, 32);

/** Whether 32 big-endian bytes are below N. */
export const isReduced = (scalar: Uint8Array): boolean => compareBytes(scalar, ORDER_BYTES) < 0;

/** The same scalar modulo N; the bytes themselves if they are below N already. */
export const reduceScalar = (scalar: Uint8Array): Uint8Array =>
  isReduced(scalar) ? scalar : scalarBytes(bytesToBig(scalar));

export const isZeroScalar = (scalar: Uint8Array): boolean => compareBytes(scalar, ZERO) === 0;

/** Whether 32 big-endian bytes are at most (N − 1) / 2: an ECDSA signature's S must be (relay-path 4.2). */
export const isLowScalar = (scalar: Uint8Array): boolean => compareBytes(scalar, HALF_ORDER_BYTES) <= 0;

/** n below N as the chain's challenge scalar: minimal big-endian bytes, then zeros on the right, modulo N (relay-path 3.4). */
export function leftAlignedScalar(value: bigint): Uint8Array {
  const digits = value === 0n ? "" : value.toString(16);
  const wholeBytes = digits.length % 2 === 0 ? digits : `0${digits}`;
  return reduceScalar(fromHex(wholeBytes.padEnd(64, "0")));
}
