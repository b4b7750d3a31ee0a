import { createRequire } from "node:module";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import * as noble from "@noble/secp256k1";
import type * as TinySecp256k1 from "tiny-secp256k1";
import { type NativeSecp256k1, nativeSecp256k1 } from "./native-secp256k1.ts";

/**
 * ECDSA over secp256k1 with checked arguments: keys and scalars are in range, lengths are right (ecdsa.ts sees to it). All tiers make
 * the same bytes for every digest below the group's order. For one that is not, which SHA-256 gives once in 2^128, their nonces
 * differ; such signatures are good, too.
 */
export type Ecdsa = {
  readonly name: "native" | "wasm" | "noble";
  publicKeyOf(privateKey: Uint8Array): Uint8Array;
  signDigest(privateKey: Uint8Array, digest: Uint8Array): Uint8Array;
  /** May throw where the key is no point. */
  verifyDigest(publicKey: Uint8Array, digest: Uint8Array, signature: Uint8Array): boolean;
};

noble.hashes.sha256 = sha256;
noble.hashes.hmacSha256 = (key, message) => hmac(sha256, key, message);

/** Pure JavaScript: where nothing else loads, and to check the others against. Not constant time in the key. */
export const nobleEcdsa: Ecdsa = {
  name: "noble",
  publicKeyOf: (privateKey) => noble.getPublicKey(privateKey, true),
  signDigest: (privateKey, digest) =>
    noble.sign(digest, privateKey, { prehash: false, lowS: true, format: "compact" }),
  verifyDigest: (publicKey, digest, signature) =>
    noble.verify(signature, digest, publicKey, { prehash: false, lowS: true, format: "compact" }),
};

/** libsecp256k1: constant time in the key and some seven times faster; undefined where the addon did not load. */
export const nativeEcdsa: Ecdsa | undefined = nativeSecp256k1 && nativeOver(nativeSecp256k1);

/**
 * libsecp256k1 compiled to WebAssembly, for platforms that the addon was not built for: three times the addon's cost. Takes some 20 ms
 * to load, so it is loaded when it is asked for. Undefined where it does not load.
 */
export function loadWasmEcdsa(): Ecdsa | undefined {
  try {
    return wasmOver(createRequire(import.meta.url)("tiny-secp256k1") as typeof TinySecp256k1);
  } catch {
    return undefined;
  }
}

/** The first that there is: the addon, WebAssembly, pure JavaScript. The second is not even loaded where there is the first. */
export const bestEcdsa = (native: Ecdsa | undefined, loadWasm: () => Ecdsa | undefined): Ecdsa =>
  native ?? loadWasm() ?? nobleEcdsa;

function nativeOver(addon: NativeSecp256k1): Ecdsa {
  return {
    name: "native",
    publicKeyOf: (privateKey) => addon.publicKeyCreate(privateKey, true),
    signDigest: (privateKey, digest) => addon.ecdsaSign(digest, privateKey).signature,
    verifyDigest: (publicKey, digest, signature) => addon.ecdsaVerify(signature, digest, publicKey),
  };
}

function wasmOver(tiny: typeof TinySecp256k1): Ecdsa {
  return {
    name: "wasm",
    publicKeyOf(privateKey) {
      const publicKey = tiny.pointFromScalar(privateKey, true);
      if (publicKey === null) throw new RangeError("the private key is out of range");
      return publicKey;
    },
    signDigest: (privateKey, digest) => tiny.sign(digest, privateKey),
    // strict: an s in its upper half is refused, not made low first
    verifyDigest: (publicKey, digest, signature) => tiny.verify(digest, publicKey, signature, true),
  };
}
