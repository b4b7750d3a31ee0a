import { decodeRingSignature, type RingSignature, signatureMembers } from "./decode.ts";
import type { PreparedRing } from "./prepare.ts";

/** Why a signature is refused: one of these words, for logs and metrics. */
type RingRefusal =
  | "bad_digest"
  | "bad_encoding"
  | "not_canonical"
  | "too_many_members"
  | "not_a_member"
  | "bad_key_image"
  | "too_many_special_cases"
  | "does_not_verify";

type Refused = { readonly ok: false; readonly reason: RingRefusal };

export type RingVerdict = { readonly ok: true } | Refused;

/**
 * Does a member of the ring stand behind this 32-byte digest? `account` is who asks, the application's address: whose budget of slow
 * verifications counts, where there is one (KernelOptions). Never throws, whatever the bytes.
 */
export type VerifyRing = (
  ring: PreparedRing,
  digest: Uint8Array,
  signature: Uint8Array,
  account?: string,
) => RingVerdict;

export type RingVerifiers = {
  /** Exactly what the chain accepts in a proof: raised scalars and bytes after the end too (relay-path 3.5, 3.6). */
  readonly onChain: VerifyRing;
  /**
   * What a relayer accepts: as the chain, but only the one encoding that an honest signer makes, and no more members than twice the
   * ring. Stricter is harmless; a relay served for a signature that the chain refuses is a lost proof (relay-path 3.6).
   */
  readonly atDoor: VerifyRing;
};

export const VERIFIED: RingVerdict = { ok: true };

export const refused = (reason: RingRefusal): Refused => ({ ok: false, reason });

/** The parts of a signature that is worth looking at, or why it is not. */
export type OpenSignature = (
  ring: PreparedRing,
  digest: Uint8Array,
  bytes: Uint8Array,
) => RingSignature | Refused;

export const openOnChain: OpenSignature = (_ring, digest, bytes) => {
  if (digest.length !== 32) return refused("bad_digest");
  return decodeRingSignature(bytes) ?? refused("bad_encoding");
};

export const openAtDoor: OpenSignature = (ring, digest, bytes) => {
  if (digest.length !== 32) return refused("bad_digest");
  if ((signatureMembers(bytes) ?? 0) > ring.maxSignatureMembers) return refused("too_many_members");
  const signature = decodeRingSignature(bytes);
  if (signature === undefined) return refused("bad_encoding");
  return signature.canonical ? signature : refused("not_canonical");
};
