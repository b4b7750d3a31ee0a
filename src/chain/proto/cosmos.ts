import {
  bool,
  byteStrings,
  bytes,
  type Codec,
  embedded,
  enumeration,
  int64,
  integer,
  message,
  repeated,
  string,
  strings,
  uint64,
} from "./wire.ts";

/** An amount of one denomination; the amount is the decimal text of an integer (relay-path 1.7). */
export type Coin = { readonly denom: string; readonly amount: string };
export const Coin: Codec<Coin> = message<Coin>("cosmos.base.v1beta1.Coin", {
  denom: string(1),
  amount: integer(2),
});

/** A message with the name of its type, written `/package.Name` in Cosmos. */
export type Any = { readonly typeUrl: string; readonly value: Uint8Array };
export const Any: Codec<Any> = message<Any>("google.protobuf.Any", { typeUrl: string(1), value: bytes(2) });

/** A point in time since 1970: whole seconds, and nanoseconds from 0 to 999 999 999. */
export type Timestamp = { readonly seconds: bigint; readonly nanos: number };
export const Timestamp: Codec<Timestamp> = message<Timestamp>("google.protobuf.Timestamp", {
  seconds: int64(1),
  nanos: enumeration(2),
});

/** Asks for one page of a list; without it a node answers the first 100 (chain 3.2). */
export type PageRequest = {
  readonly key: Uint8Array;
  readonly offset: bigint;
  readonly limit: bigint;
  readonly countTotal: boolean;
  readonly reverse: boolean;
};
export const PageRequest: Codec<PageRequest> = message<PageRequest>("cosmos.base.query.v1beta1.PageRequest", {
  key: bytes(1),
  offset: uint64(2),
  limit: uint64(3),
  countTotal: bool(4),
  reverse: bool(5),
});

/** An empty `nextKey` means that this was the last page. */
export type PageResponse = { readonly nextKey: Uint8Array; readonly total: bigint };
export const PageResponse: Codec<PageResponse> = message<PageResponse>(
  "cosmos.base.query.v1beta1.PageResponse",
  { nextKey: bytes(1), total: uint64(2) },
);

/** An account; `pubKey` is absent until its first transaction (mining-path 5.1). */
export type BaseAccount = {
  readonly address: string;
  readonly pubKey: Any | undefined;
  readonly accountNumber: bigint;
  readonly sequence: bigint;
};
export const BaseAccount: Codec<BaseAccount> = message<BaseAccount>("cosmos.auth.v1beta1.BaseAccount", {
  address: string(1),
  pubKey: embedded(2, Any),
  accountNumber: uint64(3),
  sequence: uint64(4),
});

/** The account of a chain module; it has no key. */
export type ModuleAccount = {
  readonly baseAccount: BaseAccount | undefined;
  readonly name: string;
  readonly permissions: readonly string[];
};
export const ModuleAccount: Codec<ModuleAccount> = message<ModuleAccount>(
  "cosmos.auth.v1beta1.ModuleAccount",
  { baseAccount: embedded(1, BaseAccount), name: string(2), permissions: strings(3) },
);

/** A compressed secp256k1 public key of 33 bytes. */
export type PubKey = { readonly key: Uint8Array };
export const PubKey: Codec<PubKey> = message<PubKey>("cosmos.crypto.secp256k1.PubKey", { key: bytes(1) });

/** Settings of the account module. */
export type AuthParams = {
  readonly maxMemoCharacters: bigint;
  readonly txSigLimit: bigint;
  readonly txSizeCostPerByte: bigint;
  readonly sigVerifyCostEd25519: bigint;
  readonly sigVerifyCostSecp256k1: bigint;
};
export const AuthParams: Codec<AuthParams> = message<AuthParams>("cosmos.auth.v1beta1.Params", {
  maxMemoCharacters: uint64(1),
  txSigLimit: uint64(2),
  txSizeCostPerByte: uint64(3),
  sigVerifyCostEd25519: uint64(4),
  sigVerifyCostSecp256k1: uint64(5),
});

/** Moves coins from one account to another. */
export type MsgSend = {
  readonly fromAddress: string;
  readonly toAddress: string;
  readonly amount: readonly Coin[];
};
export const MsgSend: Codec<MsgSend> = message<MsgSend>("cosmos.bank.v1beta1.MsgSend", {
  fromAddress: string(1),
  toAddress: string(2),
  amount: repeated(3, Coin),
});

export type MsgSendResponse = Record<never, never>;
export const MsgSendResponse: Codec<MsgSendResponse> = message<MsgSendResponse>(
  "cosmos.bank.v1beta1.MsgSendResponse",
  {},
);

/** Messages that the grantee carries out for those who granted it the right (chain 10). */
export type MsgExec = { readonly grantee: string; readonly msgs: readonly Any[] };
export const MsgExec: Codec<MsgExec> = message<MsgExec>("cosmos.authz.v1beta1.MsgExec", {
  grantee: string(1),
  msgs: repeated(2, Any),
});

/** One entry a message, each the bytes of that message's response. */
export type MsgExecResponse = { readonly results: readonly Uint8Array[] };
export const MsgExecResponse: Codec<MsgExecResponse> = message<MsgExecResponse>(
  "cosmos.authz.v1beta1.MsgExecResponse",
  { results: byteStrings(1) },
);
