import { hash } from "node:crypto";

/**
 * SHA-256, 32 bytes. The one-shot call with text for an answer is the fastest way there is in Node: an object for each hash, or a Buffer
 * out of it, costs more than hashing a kilobyte does.
 */
export function sha256(bytes: Uint8Array): Uint8Array {
  const text = hash("sha256", bytes, "binary");
  const digest = new Uint8Array(32);
  for (let index = 0; index < 32; index++) digest[index] = text.charCodeAt(index);
  return digest;
}
