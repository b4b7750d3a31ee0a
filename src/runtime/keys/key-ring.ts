import { AppError } from "../../base/errors.ts";
import { addressOf } from "../../chain/protocol/address.ts";
import { publicKeyOf, signDigest } from "../../chain/protocol/ecdsa.ts";
import { readKeysFile } from "./keys-file.ts";

/** The suppliers' keys of one process. An immutable snapshot: a reload makes another one. */
export type KeyRing = {
  /** bech32 operator addresses, in the order of the file. */
  addresses(): readonly string[];
  has(address: string): boolean;
  /** 33 bytes, compressed. Throws AppError KEY_NOT_HELD. */
  publicKey(address: string): Uint8Array;
  /** 64 bytes, r ‖ s, over a 32-byte digest (relay-path 4.1). Throws AppError KEY_NOT_HELD or BAD_DIGEST. */
  sign(address: string, digest: Uint8Array): Uint8Array;
};

export type KeysConfig = {
  readonly keys_file?: string | undefined;
  readonly allow_insecure_permissions: boolean;
};

/**
 * The keys of the configured file. Throws AppError KEYS_MISSING, KEYS_UNREADABLE, KEYS_PERMISSION (others than the owner may use the
 * file, and that is not allowed), or KEYS_INVALID, which names the entry and never shows a key.
 */
export function loadKeys({ keys_file, allow_insecure_permissions }: KeysConfig): KeyRing {
  if (keys_file === undefined) throw new AppError("KEYS_MISSING", "no keys file is configured");
  return keyRingOf(readKeysFile(keys_file, { allowInsecurePermissions: allow_insecure_permissions }));
}

type HeldKey = { readonly privateKey: Uint8Array; readonly publicKey: Uint8Array };

/** A key ring over private keys; a key given twice counts once, at its first place. Throws AppError KEYS_INVALID. */
function keyRingOf(privateKeys: readonly Uint8Array[]): KeyRing {
  const held = new Map<string, HeldKey>();
  for (const privateKey of privateKeys) {
    const publicKey = publicKeyOf(privateKey);
    held.set(addressOf(publicKey), { privateKey, publicKey });
  }
  const addresses = Object.freeze([...held.keys()]);
  const keyOf = (address: string): HeldKey => {
    const key = held.get(address);
    if (key === undefined) throw new AppError("KEY_NOT_HELD", `no private key for ${address}`, { address });
    return key;
  };
  return {
    addresses: () => addresses,
    has: (address) => held.has(address),
    publicKey: (address) => keyOf(address).publicKey,
    sign: (address, digest) => signDigest(keyOf(address).privateKey, digest),
  };
}
