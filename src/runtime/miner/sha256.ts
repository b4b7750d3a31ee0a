import { hash } from "node:crypto";
import type { Sha256 } from "../../smst/hash.ts";

/**
 * OpenSSL's SHA-256 in one call. The result is asked for as text of one character a byte: a Buffer for each hash costs as much as the
 * hash of a short input.
 */
export const sha256: Sha256 = Object.assign(
  (bytes: Uint8Array): Uint8Array => {
    const digest = new Uint8Array(32);
    into(bytes, digest, 0);
    return digest;
  },
  { into },
);

function into(bytes: Uint8Array, target: Uint8Array, offset: number): void {
  const text = hash("sha256", bytes, "binary");
  for (let index = 0; index < 32; index++) target[offset + index] = text.charCodeAt(index);
}
