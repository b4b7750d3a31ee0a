import { createHash } from "node:crypto";
import { equalBytes, fromHex } from "../../base/bytes.ts";
import { AppError } from "../../base/errors.ts";
import { addressOf, isAddress } from "../../chain/protocol/address.ts";
import { parsePrivateKey, publicKeyOf } from "../../chain/protocol/ecdsa.ts";

/** Somebody on the chain, with as much of the key as the genesis gives. */
export type Identity = {
  readonly name: string;
  readonly address: string;
  /** 33 bytes. */
  readonly publicKey: Uint8Array | undefined;
  /** 32 bytes; a test key, known to whoever reads the genesis. */
  readonly privateKey: Uint8Array | undefined;
};

/** A private key that everybody can make from the seed and the name. For tests only. */
const derivedKey = (seed: string, name: string): Uint8Array =>
  new Uint8Array(createHash("sha256").update(`${seed}/${name}`).digest());

type Given = {
  readonly name: string;
  readonly key?: string | undefined;
  readonly address?: string | undefined;
  readonly public_key?: string | undefined;
};

type Fail = (why: string) => AppError;

/** Throws AppError GENESIS_INVALID on a broken key or address, and on those that do not belong together. */
export function identityOf(given: Given, seed: string): Identity {
  const { name, key, address, public_key } = given;
  const fail: Fail = (why) => new AppError("GENESIS_INVALID", `${name}: ${why}`, { name });
  if (key === undefined && (address !== undefined || public_key !== undefined))
    return withoutPrivateKey(given, fail);
  const privateKey = key === undefined ? derivedKey(seed, name) : readKey(key, fail);
  const publicKey = publicKeyOf(privateKey);
  const own = addressOf(publicKey);
  if (address !== undefined && address !== own) throw fail("the address does not belong to the key");
  if (public_key !== undefined && !equalBytes(fromHex(public_key), publicKey))
    throw fail("the public key does not belong to the key");
  return { name, address: own, publicKey, privateKey };
}

function withoutPrivateKey({ name, address, public_key }: Given, fail: Fail): Identity {
  const publicKey = public_key === undefined ? undefined : fromHex(public_key);
  const own = publicKey === undefined ? address : addressOf(publicKey);
  if (own === undefined || !isAddress(own)) throw fail(`${address} is not an address`);
  if (address !== undefined && address !== own) throw fail("the address does not belong to the public key");
  return { name, address: own, publicKey, privateKey: undefined };
}

function readKey(key: string, fail: Fail): Uint8Array {
  try {
    return parsePrivateKey(key);
  } catch (thrown) {
    throw fail(thrown instanceof Error ? thrown.message : "the key cannot be read");
  }
}
