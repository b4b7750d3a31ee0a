import { AppError } from "../../base/errors.ts";
import { addressOf } from "../../chain/protocol/address.ts";
import { publicKeyOf, signDigest } from "../../chain/protocol/ecdsa.ts";
import type { SourcedKey } from "./sourced-key.ts";

/** The suppliers' keys of one process. An immutable snapshot: a reload makes another one. */
export type KeyRing = {
  /** bech32 operator addresses, in the order in which their keys were read. */
  addresses(): readonly string[];
  has(address: string): boolean;
  /** 33 bytes, compressed. Throws AppError KEY_NOT_HELD. */
  publicKey(address: string): Uint8Array;
  /** 64 bytes, r ‖ s, over a 32-byte digest (relay-path 4.1). Throws AppError KEY_NOT_HELD or BAD_DIGEST. */
  sign(address: string, digest: Uint8Array): Uint8Array;
  /** Where each key was read, in the same order. */
  readonly sources: readonly KeySource[];
};

export type KeySource = {
  readonly address: string;
  /** A path, an entry of a file, a name in a keyring; more than one when the key was read twice. */
  readonly from: readonly string[];
};

type HeldKey = { readonly privateKey: Uint8Array; readonly publicKey: Uint8Array; readonly from: string[] };

/** A key ring over private keys; a key given twice counts once, at its first place. Throws AppError KEYS_INVALID. */
export function keyRingOf(keys: readonly SourcedKey[]): KeyRing {
  const held = new Map<string, HeldKey>();
  for (const { privateKey, source } of keys) {
    const publicKey = publicKeyOf(privateKey);
    const address = addressOf(publicKey);
    const before = held.get(address);
    if (before === undefined) held.set(address, { privateKey, publicKey, from: [source] });
    else before.from.push(source);
  }
  return ringOver(held);
}

function ringOver(held: ReadonlyMap<string, HeldKey>): KeyRing {
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
    sources: [...held].map(([address, { from }]) => ({ address, from })),
  };
}
