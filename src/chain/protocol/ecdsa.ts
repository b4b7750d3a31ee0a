import { AppError } from "../../base/errors.ts";
import { bestEcdsa, type Ecdsa, loadWasmEcdsa, nativeEcdsa } from "./ecdsa-tiers.ts";
import { isLowScalar, isReduced, isZeroScalar, reduceScalar } from "./scalar.ts";

/** ECDSA over secp256k1 that looks at what it is given. */
export type CheckedEcdsa = {
  /** What signs: "native" and "wasm" are libsecp256k1, "noble" is JavaScript, seven times slower and not constant time in the key. */
  readonly name: Ecdsa["name"];
  /**
   * Compressed 33-byte public key of a 32-byte private key. A private key not below the group's order counts modulo the order, as in
   * Go (relay-path 3.1). Throws AppError KEYS_INVALID on any other length and on zero.
   */
  publicKeyOf(privateKey: Uint8Array): Uint8Array;
  /**
   * r ‖ s, 64 bytes, over a 32-byte digest that is signed as it is: deterministic nonce by RFC 6979 with SHA-256, s forced to its
   * lower half (relay-path 4.1). Throws AppError KEYS_INVALID on a bad key, BAD_DIGEST on a digest that is not 32 bytes.
   */
  signDigest(privateKey: Uint8Array, digest: Uint8Array): Uint8Array;
  /** As cosmos' VerifySignature, on the digest: 64 bytes, low s, compressed key (relay-path 4.2). Never throws. */
  verifyDigest(publicKey: Uint8Array, digest: Uint8Array, signature: Uint8Array): boolean;
};

/** The same answers and the same refusals over each tier. */
export function checkedEcdsa(ecdsa: Ecdsa): CheckedEcdsa {
  return {
    name: ecdsa.name,
    publicKeyOf: (privateKey) => ecdsa.publicKeyOf(usablePrivateKey(privateKey)),
    signDigest(privateKey, digest) {
      if (digest.length !== 32)
        throw new AppError("BAD_DIGEST", "a digest has 32 bytes", { length: digest.length });
      return ecdsa.signDigest(usablePrivateKey(privateKey), digest);
    },
    verifyDigest(publicKey, digest, signature) {
      if (publicKey.length !== 33 || digest.length !== 32 || signature.length !== 64) return false;
      const s = signature.subarray(32);
      if (!isReduced(signature.subarray(0, 32)) || !isLowScalar(s)) return false;
      try {
        return ecdsa.verifyDigest(publicKey, digest, signature);
      } catch {
        return false;
      }
    },
  };
}

/** Chosen once, when this file is loaded. Ring signatures are verified without it (ring/fastest-curve.ts). */
const ecdsa = checkedEcdsa(bestEcdsa(nativeEcdsa, loadWasmEcdsa));

/** Name of the tier that this process signs with, for logs and metrics. */
export const ecdsaName: CheckedEcdsa["name"] = ecdsa.name;

/** CheckedEcdsa's, over the best tier there is. */
export const { publicKeyOf, signDigest, verifyDigest } = ecdsa;

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
