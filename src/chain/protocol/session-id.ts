import { createHash } from "node:crypto";
import { bytesToBig, concatBytes, EMPTY, toHex, utf8 } from "../../base/bytes.ts";

/** What a session's id is made of. `blockHash` is the hash of the session's first block, 32 bytes. */
export type SessionSeed = {
  readonly blockHash: Uint8Array;
  readonly serviceId: string;
  readonly applicationAddress: string;
  readonly startHeight: bigint;
};

const DOT = utf8(".");
const sha3 = (bytes: Uint8Array): Uint8Array => createHash("sha3-256").update(bytes).digest();

/** Lower-case hex of 32 bytes, as headers carry it (relay-path 5.2). */
export const sessionId = (seed: SessionSeed): string => toHex(sha3(sessionPreimage(seed)));

/** The bytes that the session id is the SHA3-256 of (relay-path 5.2). */
export function sessionPreimage({ blockHash, serviceId, applicationAddress, startHeight }: SessionSeed) {
  const start = new Uint8Array(8);
  new DataView(start.buffer).setBigInt64(0, startHeight, true);
  const hash = startHeight <= 0n ? EMPTY : blockHash;
  return concatBytes(hash, DOT, utf8(serviceId), DOT, utf8(applicationAddress), DOT, start);
}

/** A supplier's place in the session's order: a signed 64-bit number, smaller comes first (relay-path 5.2). */
export function supplierWeight(preimage: Uint8Array, operatorAddress: string): bigint {
  const digest = sha3(concatBytes(preimage, DOT, utf8(operatorAddress)));
  return BigInt.asIntN(64, bytesToBig(digest.subarray(0, 8)));
}

/**
 * The suppliers of a session, in the chain's order. `candidates` come in store order (activation height, then address text);
 * fewer than `limit` keep it, otherwise the `limit` lightest are taken, lightest first (relay-path 5.2, chain 1).
 */
export function selectSuppliers(seed: SessionSeed, candidates: readonly string[], limit: bigint): string[] {
  if (BigInt(candidates.length) < limit) return [...candidates];
  const preimage = sessionPreimage(seed);
  return candidates
    .map((address) => ({ address, weight: supplierWeight(preimage, address) }))
    .toSorted((left, right) => compare(left.weight, right.weight) || compare(left.address, right.address))
    .slice(0, Number(limit))
    .map(({ address }) => address);
}

function compare<T extends bigint | string>(left: T, right: T): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
