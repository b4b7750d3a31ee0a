import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import * as noble from "@noble/secp256k1";
import { AppError } from "../../base/errors.ts";
import { nativeSecp256k1 } from "./native-secp256k1.ts";
import { isLowScalar, isReduced, isZeroScalar, reduceScalar } from "./scalar.ts";

/** ECDSA over secp256k1 with checked arguments: keys and scalars are in range, lengths are right. */
export type Ecdsa = {
  readonly name: string;
  publicKeyOf(privateKey: Uint8Array): Uint8Array;
  signDigest(privateKey: Uint8Array, digest: Uint8Array): Uint8Array;
  verifyDigest(publicKey: Uint8Array, digest: Uint8Array, signature: Uint8Array): boolean;
};

noble.hashes.sha256 = sha256;
noble.hashes.hmacSha256 = (key, message) => hmac(sha256, key, message);

/** Pure JavaScript: where the addon is missing, and to check it against. */
export const nobleEcdsa: Ecdsa = {
  name: "noble",
  publicKeyOf: (privateKey) => noble.getPublicKey(privateKey, true),
  signDigest: (privateKey, digest) =>
    noble.sign(digest, privateKey, { prehash: false, lowS: true, format: "compact" }),
  verifyDigest: (publicKey, digest, signature) =>
    noble.verify(signature, digest, publicKey, { prehash: false, lowS: true, format: "compact" }),
};

/** libsecp256k1: constant time in the key and some ten times faster; undefined where the addon did not load. */
export const nativeEcdsa: Ecdsa | undefined = nativeSecp256k1 && nativeOver(nativeSecp256k1);

const ecdsa = nativeEcdsa ?? nobleEcdsa;

/**
 * Compressed 33-byte public key of a 32-byte private key. A private key not below the group's order counts modulo the order, as in
 * Go (relay-path 3.1). Throws AppError KEYS_INVALID on any other length and on zero.
 */
export const publicKeyOf = (privateKey: Uint8Array): Uint8Array =>
  ecdsa.publicKeyOf(usablePrivateKey(privateKey));

/**
 * r ‖ s, 64 bytes, over a 32-byte digest that is signed as it is: deterministic nonce by RFC 6979 with SHA-256, s forced to its lower
 * half (relay-path 4.1). Throws AppError KEYS_INVALID on a bad key, BAD_DIGEST on a digest that is not 32 bytes.
 */
export function signDigest(privateKey: Uint8Array, digest: Uint8Array): Uint8Array {
  if (digest.length !== 32)
    throw new AppError("BAD_DIGEST", "a digest has 32 bytes", { length: digest.length });
  return ecdsa.signDigest(usablePrivateKey(privateKey), digest);
}

/** As cosmos' VerifySignature, on the digest: 64 bytes, low s, compressed key (relay-path 4.2). Never throws. */
export function verifyDigest(publicKey: Uint8Array, digest: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 33 || digest.length !== 32 || signature.length !== 64) return false;
  const s = signature.subarray(32);
  if (!isReduced(signature.subarray(0, 32)) || !isLowScalar(s)) return false;
  try {
    return ecdsa.verifyDigest(publicKey, digest, signature);
  } catch {
    return false;
  }
}

/**
 * Private key from an entry of a keys file: one leading `0x` is cut, then white space around the rest, then 64 hex digits of either
 * case (relay-path 4.4). The key comes back reduced by the group's order. Throws AppError KEYS_INVALID, without the text, on
 * anything else and on the zero key, which Go takes but which signs nothing.
 */
export function parsePrivateKey(text: string): Uint8Array {
  const digits = text.replace(/^0x/, "").trim();
  if (!/^[0-9a-fA-F]*$/.test(digits)) throw new AppError("KEYS_INVALID", "a private key has hex digits only");
  if (digits.length !== 64)
    throw new AppError("KEYS_INVALID", "a private key has 64 hex digits", { length: digits.length });
  return usablePrivateKey(Uint8Array.from(Buffer.from(digits, "hex")));
}

function usablePrivateKey(privateKey: Uint8Array): Uint8Array {
  if (privateKey.length !== 32)
    throw new AppError("KEYS_INVALID", "a private key has 32 bytes", { length: privateKey.length });
  const reduced = reduceScalar(privateKey);
  if (isZeroScalar(reduced)) throw new AppError("KEYS_INVALID", "the private key is zero");
  return reduced;
}

function nativeOver(addon: NonNullable<typeof nativeSecp256k1>): Ecdsa {
  return {
    name: "native",
    publicKeyOf: (privateKey) => addon.publicKeyCreate(privateKey, true),
    signDigest: (privateKey, digest) => addon.ecdsaSign(digest, privateKey).signature,
    verifyDigest: (publicKey, digest, signature) => addon.ecdsaVerify(signature, digest, publicKey),
  };
}
