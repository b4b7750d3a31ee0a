import { equalBytes } from "../../../base/bytes.ts";
import { challenge } from "./challenge.ts";
import type { Curve } from "./curve.ts";
import { decodeRingSignature, type RingSignature, signatureMembers } from "./decode.ts";
import { fastestCurve } from "./fastest-curve.ts";
import { findMember, type PreparedRing, type RingMember } from "./prepare.ts";

/** Why a signature is refused: one of these words, for logs and metrics. */
type RingRefusal =
  | "bad_digest"
  | "bad_encoding"
  | "not_canonical"
  | "too_many_members"
  | "not_a_member"
  | "bad_key_image"
  | "does_not_verify";

export type RingVerdict = { readonly ok: true } | { readonly ok: false; readonly reason: RingRefusal };

/** Does a member of the ring stand behind this 32-byte digest? Never throws, whatever the bytes. */
export type VerifyRing = (ring: PreparedRing, digest: Uint8Array, signature: Uint8Array) => RingVerdict;

export type RingVerifiers = { readonly onChain: VerifyRing; readonly atDoor: VerifyRing };

/** Both verifiers over one implementation of the curve. */
export function ringVerifiers(curve: Curve): RingVerifiers {
  const onChain: VerifyRing = (ring, digest, bytes) => {
    if (digest.length !== 32) return refused("bad_digest");
    const signature = decodeRingSignature(bytes);
    if (signature === undefined) return refused("bad_encoding");
    return verifyDecoded(curve, ring, digest, signature);
  };
  const atDoor: VerifyRing = (ring, digest, bytes) => {
    if (digest.length !== 32) return refused("bad_digest");
    if ((signatureMembers(bytes) ?? 0) > ring.maxSignatureMembers) return refused("too_many_members");
    const signature = decodeRingSignature(bytes);
    if (signature === undefined) return refused("bad_encoding");
    if (!signature.canonical) return refused("not_canonical");
    return verifyDecoded(curve, ring, digest, signature);
  };
  return { onChain, atDoor };
}

const fastest = ringVerifiers(fastestCurve);

/** Exactly what the chain accepts in a proof: raised scalars and bytes after the end too (relay-path 3.5, 3.6). */
export const verifyRingOnChain: VerifyRing = fastest.onChain;

/**
 * What a relayer accepts: as the chain, but only the one encoding that an honest signer makes, and no more members than twice the
 * ring. Stricter is harmless; a relay served for a signature that the chain refuses is a lost proof (relay-path 3.6).
 */
export const verifyRingAtDoor: VerifyRing = fastest.atDoor;

function verifyDecoded(
  curve: Curve,
  ring: PreparedRing,
  digest: Uint8Array,
  { challenge: first, keyImage, pairs }: RingSignature,
): RingVerdict {
  const steps: { scalar: Uint8Array; member: RingMember }[] = [];
  for (const { scalar, publicKey } of pairs) {
    const member = findMember(ring.members, publicKey);
    if (member === undefined) return refused("not_a_member");
    steps.push({ scalar, member });
  }
  const image = curve.decompress(keyImage);
  if (image === undefined) return refused("bad_key_image");
  let current = first;
  for (const { scalar, member } of steps) {
    const l = curve.sumWithBase(scalar, current, member.point);
    const r = curve.sum(scalar, member.hashPoint, current, image);
    current = challenge(digest, l, r);
  }
  return equalBytes(current, first) ? { ok: true } : refused("does_not_verify");
}

const refused = (reason: RingRefusal): RingVerdict => ({ ok: false, reason });
