import { equalBytes } from "../../../base/bytes.ts";
import { AppError } from "../../../base/errors.ts";
import type { Curve } from "./curve.ts";
import { fastestCurve } from "./fastest-curve.ts";
import { hashToCurve } from "./hash-to-curve.ts";

export type RingMember = {
  /** 33 bytes, compressed: what a signature names its members by. */
  readonly publicKey: Uint8Array;
  /** The same point, 65 bytes. */
  readonly point: Uint8Array;
  /** H_p of the public key, 65 bytes. */
  readonly hashPoint: Uint8Array;
};

/** Who may sign, with everything about them that does not change from one signature to the next. */
export type PreparedRing = {
  /** Each key once. */
  readonly members: readonly RingMember[];
  /** Longest signature that is let in at the door: the ring as it was given, listed twice. */
  readonly maxSignatureMembers: number;
};

/** Prepares the set of keys that may sign; order and repetition do not matter (relay-path 3.2). Throws AppError BAD_RING_KEY. */
export function prepareRing(publicKeys: readonly Uint8Array[], curve: Curve = fastestCurve): PreparedRing {
  const members: RingMember[] = [];
  for (const publicKey of publicKeys) {
    if (findMember(members, publicKey) !== undefined) continue;
    const point = curve.decompress(publicKey);
    if (point === undefined)
      throw new AppError("BAD_RING_KEY", "a member's public key is no compressed secp256k1 point");
    members.push({ publicKey, point, hashPoint: hashToCurve(publicKey, curve) });
  }
  return { members, maxSignatureMembers: 2 * publicKeys.length };
}

/** The member with this public key. */
export const findMember = (members: readonly RingMember[], publicKey: Uint8Array): RingMember | undefined =>
  members.find((member) => equalBytes(member.publicKey, publicKey));
