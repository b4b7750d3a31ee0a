import { Any, Coin, Timestamp } from "./cosmos.ts";
import {
  bool,
  byteStrings,
  bytes,
  type Codec,
  embedded,
  enumeration,
  message,
  repeated,
  string,
  uint64,
} from "./wire.ts";

export const SIGN_MODE_DIRECT = 1;

/** What a transaction does (mining-path 5.1). */
export type TxBody = {
  readonly messages: readonly Any[];
  readonly memo: string;
  readonly timeoutHeight: bigint;
  readonly unordered: boolean;
  readonly timeoutTimestamp: Timestamp | undefined;
  readonly extensionOptions: readonly Any[];
  readonly nonCriticalExtensionOptions: readonly Any[];
};
export const TxBody: Codec<TxBody> = message<TxBody>("cosmos.tx.v1beta1.TxBody", {
  messages: repeated(1, Any),
  memo: string(2),
  timeoutHeight: uint64(3),
  unordered: bool(4),
  timeoutTimestamp: embedded(5, Timestamp),
  extensionOptions: repeated(1023, Any),
  nonCriticalExtensionOptions: repeated(2047, Any),
});

/** How a single key signs; DIRECT is 1. */
export type ModeInfoSingle = { readonly mode: number };
export const ModeInfoSingle: Codec<ModeInfoSingle> = message<ModeInfoSingle>(
  "cosmos.tx.v1beta1.ModeInfo.Single",
  { mode: enumeration(1) },
);

/** How a signer signs. Multisig accounts are not supported. */
export type ModeInfo = { readonly single: ModeInfoSingle | undefined };
export const ModeInfo: Codec<ModeInfo> = message<ModeInfo>("cosmos.tx.v1beta1.ModeInfo", {
  single: embedded(1, ModeInfoSingle),
});

/** A signer; the sequence is 0 in unordered transactions. */
export type SignerInfo = {
  readonly publicKey: Any | undefined;
  readonly modeInfo: ModeInfo | undefined;
  readonly sequence: bigint;
};
export const SignerInfo: Codec<SignerInfo> = message<SignerInfo>("cosmos.tx.v1beta1.SignerInfo", {
  publicKey: embedded(1, Any),
  modeInfo: embedded(2, ModeInfo),
  sequence: uint64(3),
});

/** What the transaction may cost. */
export type Fee = {
  readonly amount: readonly Coin[];
  readonly gasLimit: bigint;
  readonly payer: string;
  readonly granter: string;
};
export const Fee: Codec<Fee> = message<Fee>("cosmos.tx.v1beta1.Fee", {
  amount: repeated(1, Coin),
  gasLimit: uint64(2),
  payer: string(3),
  granter: string(4),
});

/** Who signs and who pays. The fee is present even when it is empty (mining-path 5.1). */
export type AuthInfo = { readonly signerInfos: readonly SignerInfo[]; readonly fee: Fee | undefined };
export const AuthInfo: Codec<AuthInfo> = message<AuthInfo>("cosmos.tx.v1beta1.AuthInfo", {
  signerInfos: repeated(1, SignerInfo),
  fee: embedded(2, Fee),
});

/** A transaction as it is broadcast: the parts stay the bytes that were signed. */
export type TxRaw = {
  readonly bodyBytes: Uint8Array;
  readonly authInfoBytes: Uint8Array;
  readonly signatures: readonly Uint8Array[];
};
export const TxRaw: Codec<TxRaw> = message<TxRaw>("cosmos.tx.v1beta1.TxRaw", {
  bodyBytes: bytes(1),
  authInfoBytes: bytes(2),
  signatures: byteStrings(3),
});

/** What a signature of mode DIRECT covers. */
export type SignDoc = {
  readonly bodyBytes: Uint8Array;
  readonly authInfoBytes: Uint8Array;
  readonly chainId: string;
  readonly accountNumber: bigint;
};
export const SignDoc: Codec<SignDoc> = message<SignDoc>("cosmos.tx.v1beta1.SignDoc", {
  bodyBytes: bytes(1),
  authInfoBytes: bytes(2),
  chainId: string(3),
  accountNumber: uint64(4),
});
