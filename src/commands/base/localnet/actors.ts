import { createHash } from "node:crypto";
import { addressOf } from "../../../chain/protocol/address.ts";
import { publicKeyOf } from "../../../chain/protocol/ecdsa.ts";

/** Somebody with a key on the local chain. */
export type Actor = {
  readonly name: string;
  readonly privateKey: Uint8Array;
  /** 33 bytes, compressed. */
  readonly publicKey: Uint8Array;
  readonly address: string;
};

/** The same seed and name give the same key on every machine: worthless on any chain but this one. */
export function actor(seed: number, name: string): Actor {
  const privateKey = new Uint8Array(
    createHash("sha256").update(`relayminer localnet ${seed} ${name}`).digest(),
  );
  const publicKey = publicKeyOf(privateKey);
  return { name, privateKey, publicKey, address: addressOf(publicKey) };
}

/** `count` of them: "supplier-1", "supplier-2", … */
export const actors = (seed: number, kind: string, count: number): Actor[] =>
  Array.from({ length: count }, (_, index) => actor(seed, `${kind}-${index + 1}`));
