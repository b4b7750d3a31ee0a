import { sha256 as digestOf, sha256Into } from "../../base/sha256.ts";
import type { Sha256 } from "../../smst/hash.ts";

/** The platform's, which writes its result where a trie wants it. */
export const sha256: Sha256 = Object.assign((bytes: Uint8Array) => digestOf(bytes), { into: sha256Into });
