import { createRequire } from "node:module";
import type * as Secp256k1 from "secp256k1";

export type NativeSecp256k1 = typeof Secp256k1;

/**
 * libsecp256k1 as a native addon, or undefined on a platform it was not built for. The package's own entry point would hand out a
 * slow JavaScript twin there without a word, so the addon is asked for by its file.
 */
export const nativeSecp256k1: NativeSecp256k1 | undefined = load();

function load(): NativeSecp256k1 | undefined {
  try {
    return createRequire(import.meta.url)("secp256k1/bindings.js") as NativeSecp256k1;
  } catch {
    return undefined;
  }
}
