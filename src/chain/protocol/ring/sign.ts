import { randomBytes } from "node:crypto";
import { bytesToBig, equalBytes } from "../../../base/bytes.ts";
import { AppError } from "../../../base/errors.ts";
import { publicKeyOf } from "../ecdsa.ts";
import { isReduced, isZeroScalar, reduceScalar, scalarBytes } from "../scalar.ts";
import { challenge } from "./challenge.ts";
import type { Curve } from "./curve.ts";
import { fastestCurve } from "./fastest-curve.ts";
import { findMember, type PreparedRing, prepareRing, type RingMember } from "./prepare.ts";

export type RingSigning = {
  /** The ring in the order of the signature; a key may be in it more than once. */
  readonly publicKeys: readonly Uint8Array[];
  /** Which of them is the signer's. */
  readonly signerIndex: number;
  readonly privateKey: Uint8Array;
  /** 32 bytes. */
  readonly digest: Uint8Array;
  /** That many unpredictable bytes; a nonce used twice gives the private key away. Tests give their own. */
  readonly random?: (length: number) => Uint8Array;
  /** The same keys prepared before, which saves a third of the work. */
  readonly ring?: PreparedRing;
};

/** Tries at a scalar below the order; the first one fits but for one time in 2^128. */
const MAX_TRIES = 16;

/**
 * Ring signature in its wire form, 69 + 65·n bytes (relay-path 3.5). Draws the nonce first, then the other members' scalars in ring
 * order from the one after the signer on. Throws AppError BAD_RING_KEY, KEYS_INVALID, BAD_RING_SIGNER or BAD_DIGEST.
 */
export function signRing(signing: RingSigning, curve: Curve = fastestCurve): Uint8Array {
  const { publicKeys, signerIndex, privateKey, digest, random = randomBytes } = signing;
  if (digest.length !== 32)
    throw new AppError("BAD_DIGEST", "a digest has 32 bytes", { length: digest.length });
  const members = membersOf(publicKeys, signing.ring ?? prepareRing(publicKeys, curve));
  const signer = members[signerIndex];
  if (signer === undefined || !equalBytes(publicKeyOf(privateKey), signer.publicKey))
    throw new AppError("BAD_RING_SIGNER", "the private key is not the signer's", { signerIndex });

  const secret = reduceScalar(privateKey);
  const keyImage = curve.secretMultiple(secret, signer.hashPoint);
  const imagePoint = requirePoint(curve, keyImage);
  const form = blankSignature(members, keyImage);

  const nonce = randomScalar(random);
  let current = challenge(digest, publicKeyOf(nonce), curve.secretMultiple(nonce, signer.hashPoint));
  for (let step = 1; step < members.length; step++) {
    const index = (signerIndex + step) % members.length;
    const { point, hashPoint } = members[index] ?? signer;
    const scalar = randomScalar(random);
    form.fill(index, current, scalar);
    const l = curve.sumWithBase(scalar, current, point);
    const r = curve.sum(scalar, hashPoint, current, imagePoint);
    current = challenge(digest, l, r);
  }
  const closing = scalarBytes(bytesToBig(nonce) - bytesToBig(current) * bytesToBig(secret));
  form.fill(signerIndex, current, closing);
  return form.bytes;
}

/** The wire form with its count, key image and public keys; `fill` puts in a member's scalar, and the challenge of the first one. */
function blankSignature(members: readonly RingMember[], keyImage: Uint8Array) {
  const bytes = new Uint8Array(69 + 65 * members.length);
  new DataView(bytes.buffer).setUint32(0, members.length);
  bytes.set(keyImage, 36);
  for (const [index, { publicKey }] of members.entries()) bytes.set(publicKey, 101 + 65 * index);
  const fill = (index: number, memberChallenge: Uint8Array, scalar: Uint8Array): void => {
    if (index === 0) bytes.set(memberChallenge, 4);
    bytes.set(scalar, 69 + 65 * index);
  };
  return { bytes, fill };
}

const membersOf = (publicKeys: readonly Uint8Array[], ring: PreparedRing): RingMember[] =>
  publicKeys.map((publicKey) => {
    const member = findMember(ring.members, publicKey);
    if (member === undefined) throw new AppError("BAD_RING_KEY", "the prepared ring lacks one of the keys");
    return member;
  });

function requirePoint(curve: Curve, bytes: Uint8Array): Uint8Array {
  const point = curve.decompress(bytes);
  if (point === undefined) throw new AppError("BAD_RING_KEY", "the key image is no point");
  return point;
}

function randomScalar(random: (length: number) => Uint8Array): Uint8Array {
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    const scalar = random(32);
    if (isReduced(scalar) && !isZeroScalar(scalar)) return scalar;
  }
  throw new AppError("BAD_RANDOM", "the source of random bytes gives no usable scalar");
}
