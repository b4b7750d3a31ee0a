import { createHash } from "node:crypto";
import { ripemd160 } from "@noble/hashes/legacy.js";
import { bech32 } from "@scure/base";
import { utf8 } from "../../base/bytes.ts";
import { AppError } from "../../base/errors.ts";

const PREFIX = "pokt";
/** The chain's longest address, in bytes; ours are 20 (relay-path 3.1). */
const MAX_BYTES = 255;

/** bech32 address of a 33-byte compressed public key: RIPEMD160(SHA256(key)) with the human part `pokt` (relay-path 3.1). */
export const addressOf = (publicKey: Uint8Array): string =>
  encodeAddress(ripemd160(createHash("sha256").update(publicKey).digest()));

/** Text form of 1 to 255 address bytes. Throws AppError BAD_ADDRESS on any other length. */
export function encodeAddress(bytes: Uint8Array): string {
  requireLength(bytes);
  return bech32.encode(PREFIX, bech32.toWords(bytes), false);
}

/**
 * Address bytes of a bech32 text, as the chain's message checks read it: human part `pokt`, one case, 1 to 255 bytes, nothing
 * around it (relay-path 3.1). Throws AppError BAD_ADDRESS.
 */
export function addressBytes(address: string): Uint8Array {
  const decoded = decodeBech32(address);
  if (decoded === undefined) throw new AppError("BAD_ADDRESS", "not a bech32 text", { address });
  if (decoded.prefix !== PREFIX)
    throw new AppError("BAD_ADDRESS", `not an address of this chain: it does not start with ${PREFIX}1`, {
      address,
    });
  requireLength(decoded.bytes);
  return decoded.bytes;
}

/** Whether `addressBytes` takes the text. An upper-case one passes, but equals no stored address (relay-path 3.1). */
export function isAddress(text: string): boolean {
  try {
    addressBytes(text);
    return true;
  } catch {
    return false;
  }
}

/** Address of a module's account: the first 20 bytes of SHA256 of its name. */
export const moduleAddress = (name: string): string =>
  encodeAddress(createHash("sha256").update(utf8(name)).digest().subarray(0, 20));

function decodeBech32(text: string): { prefix: string; bytes: Uint8Array } | undefined {
  try {
    const { prefix, words } = bech32.decode(text as `${string}1${string}`, false);
    return { prefix, bytes: bech32.fromWords(words) };
  } catch {
    return undefined;
  }
}

function requireLength(bytes: Uint8Array): void {
  if (bytes.length === 0 || bytes.length > MAX_BYTES)
    throw new AppError("BAD_ADDRESS", `an address has 1 to ${MAX_BYTES} bytes`, { length: bytes.length });
}
