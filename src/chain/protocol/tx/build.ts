import { createHash } from "node:crypto";
import { toHex } from "../../../base/bytes.ts";
import { type Any, type Coin, PubKey, type Timestamp } from "../../proto/cosmos.ts";
import { AuthInfo, SIGN_MODE_DIRECT, SignDoc, TxBody, TxRaw } from "../../proto/tx.ts";
import { toAny } from "./message.ts";

type TxContent = {
  readonly messages: readonly Any[];
  readonly chainId: string;
  /** The account's real number, also in an unordered transaction. */
  readonly accountNumber: bigint;
  /** 33 bytes, compressed. */
  readonly publicKey: Uint8Array;
  /** Signs the sha256 of the sign document: 64 bytes r, s, as `signDigest` of ecdsa.ts makes them. */
  readonly sign: (digest: Uint8Array) => Uint8Array;
  /** Empty for no fee, as for a simulation. */
  readonly fee: readonly Coin[];
  readonly gasLimit: bigint;
  readonly memo?: string;
};

/** Unordered: the timeout, in nanoseconds since 1970, is the nonce (mining-path 5.2). */
export type UnorderedTx = TxContent & { readonly unordered: { readonly timeoutNs: bigint } };

/** Ordered by the account's sequence; both timeouts are optional. */
export type OrderedTx = TxContent & {
  readonly ordered: {
    readonly sequence: bigint;
    readonly timeoutHeight?: bigint;
    readonly timeoutNs?: bigint;
  };
};

export type SignedTx = {
  /** TxRaw, ready to broadcast or to simulate. */
  readonly bytes: Uint8Array;
  /** Upper-case hex, as the chain names the transaction. */
  readonly hash: string;
};

const NANOS_PER_SECOND = 1_000_000_000n;

/** A transaction of one signer who also pays the fee, signed in mode DIRECT (mining-path 5.1). */
export function buildTx(tx: UnorderedTx | OrderedTx): SignedTx {
  const bodyBytes = encodeBody(tx);
  const authInfoBytes = encodeAuthInfo(tx);
  const { chainId, accountNumber } = tx;
  const digest = sha256(signBytes({ bodyBytes, authInfoBytes, chainId, accountNumber }));
  const bytes = TxRaw.encode({ bodyBytes, authInfoBytes, signatures: [tx.sign(digest)] });
  return { bytes, hash: txHash(bytes) };
}

/** What is hashed and signed in mode DIRECT (mining-path 5.1). */
export const signBytes = (document: SignDoc): Uint8Array => SignDoc.encode(document);

/** The name of a transaction: upper-case hex of the sha256 of its TxRaw bytes (mining-path 5.1). */
export const txHash = (bytes: Uint8Array): string => toHex(sha256(bytes)).toUpperCase();

function encodeBody(tx: UnorderedTx | OrderedTx): Uint8Array {
  const { messages, memo = "" } = tx;
  if ("unordered" in tx)
    return TxBody.encode(
      TxBody.create({
        messages,
        memo,
        unordered: true,
        timeoutTimestamp: timestamp(tx.unordered.timeoutNs),
      }),
    );
  const { timeoutHeight = 0n, timeoutNs } = tx.ordered;
  const timeoutTimestamp = timeoutNs === undefined ? undefined : timestamp(timeoutNs);
  return TxBody.encode(TxBody.create({ messages, memo, timeoutHeight, timeoutTimestamp }));
}

function encodeAuthInfo(tx: UnorderedTx | OrderedTx): Uint8Array {
  const { publicKey, fee, gasLimit } = tx;
  return AuthInfo.encode({
    signerInfos: [
      {
        publicKey: toAny(PubKey, { key: publicKey }),
        modeInfo: { single: { mode: SIGN_MODE_DIRECT } },
        sequence: "ordered" in tx ? tx.ordered.sequence : 0n,
      },
    ],
    fee: { amount: fee, gasLimit, payer: "", granter: "" },
  });
}

const timestamp = (ns: bigint): Timestamp => ({
  seconds: ns / NANOS_PER_SECOND,
  nanos: Number(ns % NANOS_PER_SECOND),
});

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest());
