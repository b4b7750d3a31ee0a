import { createHash } from "node:crypto";
import { toHex } from "../../base/bytes.ts";
import { AuthInfo, TxBody, TxRaw } from "../../chain/proto/tx.ts";
import type { Codec } from "../../chain/proto/wire.ts";
import type { DecodedMessage } from "./messages/message-type.ts";
import type { MessageRegistry } from "./messages/registry.ts";
import { TxError } from "./tx-error.ts";

export type DecodedTx = {
  readonly bytes: Uint8Array;
  readonly raw: TxRaw;
  readonly body: TxBody;
  readonly authInfo: AuthInfo;
  readonly messages: readonly DecodedMessage[];
  /** Addresses that must sign, each once, in the order of the messages. */
  readonly signers: readonly string[];
  /** Unix nanoseconds; undefined if not set. */
  readonly timeoutNs: bigint | undefined;
};

const NANOS_PER_SECOND = 1_000_000_000n;

/** Upper-case hex of the sha256: the name of a transaction. */
export const txHash = (bytes: Uint8Array): string =>
  toHex(createHash("sha256").update(bytes).digest()).toUpperCase();

/** Throws TxError 2 on bytes that are no transaction, or that have fields this chain does not know (chain 4.1 step 1). */
export function decodeTx(bytes: Uint8Array, registry: MessageRegistry): DecodedTx {
  const raw = decodeWhole(TxRaw, bytes);
  const body = decodeWhole(TxBody, raw.bodyBytes);
  const authInfo = decodeWhole(AuthInfo, raw.authInfoBytes);
  const messages = body.messages.map((message) => registry.decode(message));
  const stamp = body.timeoutTimestamp;
  const timeoutNs = stamp === undefined ? 0n : stamp.seconds * NANOS_PER_SECOND + BigInt(stamp.nanos);
  return {
    bytes,
    raw,
    body,
    authInfo,
    messages,
    signers: [...new Set(messages.map(({ signer }) => signer))],
    timeoutNs: timeoutNs === 0n ? undefined : timeoutNs,
  };
}

/** A field that decoding drops makes the canonical bytes shorter: the chain refuses what it does not know. */
function decodeWhole<T>(codec: Codec<T>, bytes: Uint8Array): T {
  let value: T;
  try {
    value = codec.decode(bytes);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : "broken bytes";
    throw new TxError(2, "sdk", `${why}: tx parse error: tx parse error`);
  }
  if (codec.encode(value).length < bytes.length)
    throw new TxError(2, "sdk", `errUnknownField in ${codec.typeName}: unknown field: tx parse error`);
  return value;
}
