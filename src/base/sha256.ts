import { hash } from "node:crypto";

/**
 * SHA-256, 32 bytes. The one-shot call with text for an answer is the fastest way there is in Node: an object for each hash, or a Buffer
 * out of it, costs more than hashing a kilobyte does.
 */
export function sha256(bytes: Uint8Array): Uint8Array {
  const digest = new Uint8Array(32);
  sha256Into(bytes, digest, 0);
  return digest;
}

/** The same, but the 32 bytes are written to `target` from `offset` on. */
export function sha256Into(bytes: Uint8Array, target: Uint8Array, offset: number): void {
  const text = hash("sha256", bytes, "binary");
  for (let index = 0; index < 32; index++) target[offset + index] = text.charCodeAt(index);
}
