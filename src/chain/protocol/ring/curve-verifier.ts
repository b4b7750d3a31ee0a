import { equalBytes } from "../../../base/bytes.ts";
import { challenge } from "./challenge.ts";
import type { Curve } from "./curve.ts";
import type { RingSignature } from "./decode.ts";
import { findMember, type PreparedRing, type RingMember } from "./prepare.ts";
import {
  type OpenSignature,
  openAtDoor,
  openOnChain,
  type RingVerdict,
  type RingVerifiers,
  refused,
  VERIFIED,
  type VerifyRing,
} from "./verifier.ts";

/** Both verifiers over one implementation of the curve: the definition of relay-path 3.5, member by member. */
export function ringVerifiers(curve: Curve): RingVerifiers {
  const opening =
    (open: OpenSignature): VerifyRing =>
    (ring, digest, bytes) => {
      const signature = open(ring, digest, bytes);
      return "reason" in signature ? signature : verifyOpened(curve, ring, digest, signature);
    };
  return { onChain: opening(openOnChain), atDoor: opening(openAtDoor) };
}

/** The verdict on a signature whose encoding is accepted. */
export function verifyOpened(
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
  return equalBytes(current, first) ? VERIFIED : refused("does_not_verify");
}
