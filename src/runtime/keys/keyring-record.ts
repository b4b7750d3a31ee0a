import { AppError } from "../../base/errors.ts";
import { bytes, embedded, message, string } from "../../chain/proto/wire.ts";

/** What a Cosmos SDK keyring stores of a key: cosmos.crypto.keyring.v1.Record. Read only; held to files that the SDK wrote. */

const any = message("google.protobuf.Any", { typeUrl: string(1), value: bytes(2) });
const local = message("cosmos.crypto.keyring.v1.Record.Local", { privKey: embedded(1, any) });
const other = message("cosmos.crypto.keyring.v1.Record.Other", {});
const secp256k1 = message("cosmos.crypto.secp256k1", { key: bytes(1) });

const record = message("cosmos.crypto.keyring.v1.Record", {
  name: string(1),
  pubKey: embedded(2, any),
  local: embedded(3, local),
  ledger: embedded(4, other),
  multi: embedded(5, other),
  offline: embedded(6, other),
});

export type KeyringRecord =
  | {
      readonly kind: "key";
      readonly name: string;
      readonly privateKey: Uint8Array;
      readonly publicKey: Uint8Array;
    }
  /** No private key that could sign here. */
  | { readonly kind: "other"; readonly name: string; readonly what: string };

/** Throws AppError BAD_PROTO, or KEYRING_INVALID for what is no record of a current SDK. */
export function decodeRecord(data: Uint8Array): KeyringRecord {
  const { name, pubKey, local: held, ledger, multi } = record.decode(data);
  if (name === "" || pubKey === undefined)
    throw new AppError("KEYRING_INVALID", "it holds no record of a current Cosmos SDK", {
      todo: "If it was made before Cosmos SDK 0.46, convert the keyring: pocketd keys migrate",
    });
  const key = held?.privKey;
  if (key === undefined) {
    const what = ledger ? "a key on a Ledger device" : multi ? "a multisig key" : "a public key only";
    return { kind: "other", name, what };
  }
  if (key.typeUrl !== "/cosmos.crypto.secp256k1.PrivKey")
    return { kind: "other", name, what: `a key of type ${key.typeUrl.slice(0, 64)}` };
  return {
    kind: "key",
    name,
    privateKey: secp256k1.decode(key.value).key,
    publicKey: secp256k1.decode(pubKey.value).key,
  };
}
