import { createHash } from "node:crypto";
import { PubKey } from "../../chain/proto/cosmos.ts";
import { SignDoc } from "../../chain/proto/tx.ts";
import { addressOf } from "../../chain/protocol/address.ts";
import { verifyDigest } from "../../chain/protocol/ecdsa.ts";
import { plainEvent } from "../context.ts";
import { nonceKey } from "../keys.ts";
import type { Account } from "../state.ts";
import { ensureAccount } from "./accounts.ts";
import type { AnteContext } from "./ante-context.ts";
import { GAS } from "./gas.ts";
import { TxError } from "./tx-error.ts";

const MAX_SIGNATURES = 7;
const MAX_LIFE_NS = 600_000_000_000n;
const KEY_TYPE = "/cosmos.crypto.secp256k1.PubKey";

/** Steps 11 to 14 of chain 4.1: keys, number of signatures, nonce or sequence, signatures. Throws TxError. */
export function verifySignatures(context: AnteContext): void {
  const { tx, gas } = context;
  tx.signers.forEach((signer, index) => {
    storeKey(context, signer, index);
  });
  tellSignatures(context);
  if (tx.raw.signatures.length > MAX_SIGNATURES)
    throw new TxError(
      14,
      "sdk",
      `signatures: ${tx.raw.signatures.length}, limit: ${MAX_SIGNATURES}: maximum number of signatures exceeded`,
    );
  gas.consume(GAS.account, "WriteFlat");
  for (const _ of tx.signers) gas.consume(GAS.signature, "ante verify: secp256k1");
  if (tx.body.unordered) takeNonces(context);
  tx.signers.forEach((signer, index) => {
    verifyOne(context, signer, index);
  });
}

function storeKey({ state, tx, mode, gas }: AnteContext, signer: string, index: number): void {
  const sent = tx.authInfo.signerInfos[index]?.publicKey;
  if (sent === undefined) return;
  if (sent.typeUrl !== KEY_TYPE)
    throw new TxError(8, "sdk", `public key of type ${sent.typeUrl} is not supported: invalid pubkey`);
  const { key } = PubKey.decode(sent.value);
  if (mode !== "simulate" && addressOf(key) !== signer)
    throw new TxError(
      8,
      "sdk",
      `pubKey does not match signer address ${signer} with signer index: ${index}: invalid pubkey`,
    );
  const account = ensureAccount(state, signer);
  if (account.publicKey !== undefined) return;
  gas.consume(GAS.newPublicKey, "WriteFlat");
  state.accounts.set(signer, { ...account, publicKey: key });
}

function tellSignatures({ state, tx, emit }: AnteContext): void {
  for (const signer of tx.body.unordered ? [] : tx.signers)
    emit(plainEvent("tx", { acc_seq: `${signer}/${state.accounts.get(signer)?.sequence ?? 0n}` }));
  for (const signature of tx.raw.signatures)
    emit(plainEvent("tx", { signature: Buffer.from(signature).toString("base64") }));
}

/** The timeout is the nonce; it is used up even if the transaction's messages fail (chain 4.1). */
function takeNonces({ state, tx, mode, gas }: AnteContext): void {
  const { timeoutNs } = tx;
  if (timeoutNs === undefined)
    throw new TxError(18, "sdk", "unordered transaction must have timeout_timestamp set: invalid request");
  if (timeoutNs > state.timeNs + MAX_LIFE_NS)
    throw new TxError(18, "sdk", "unordered tx ttl exceeds 10m0s: invalid request");
  gas.consume(GAS.unordered, "unordered tx");
  if (mode === "simulate") return;
  for (const signer of tx.signers) {
    const key = nonceKey(timeoutNs, signer);
    if (state.nonces.get(key) !== undefined)
      throw new TxError(
        18,
        "sdk",
        `failed to add unordered nonce: sender ${signer} has already used timeout ${timeoutNs}: invalid request`,
      );
    state.nonces.set(key, true);
  }
}

function verifyOne(context: AnteContext, signer: string, index: number): void {
  const { state, tx, mode } = context;
  const account = ensureAccount(state, signer);
  const sequence = tx.authInfo.signerInfos[index]?.sequence ?? 0n;
  if (tx.body.unordered && sequence !== 0n)
    throw new TxError(18, "sdk", "sequence is not allowed for unordered transactions: invalid request");
  if (!tx.body.unordered && sequence !== account.sequence)
    throw new TxError(
      32,
      "sdk",
      `account sequence mismatch, expected ${account.sequence}, got ${sequence}: incorrect account sequence`,
    );
  if (mode === "check" || mode === "deliver") verifySignature(context, account, index);
  if (!tx.body.unordered) state.accounts.set(signer, { ...account, sequence: account.sequence + 1n });
}

function verifySignature({ state, tx }: AnteContext, account: Account, index: number): void {
  if (account.publicKey === undefined)
    throw new TxError(8, "sdk", "pubkey on account is not set: invalid pubkey");
  const { bodyBytes, authInfoBytes, signatures } = tx.raw;
  const { chainId } = state;
  const { accountNumber } = account;
  const document = SignDoc.encode({ bodyBytes, authInfoBytes, chainId, accountNumber });
  const digest = new Uint8Array(createHash("sha256").update(document).digest());
  if (verifyDigest(account.publicKey, digest, signatures[index] ?? new Uint8Array())) return;
  throw new TxError(
    4,
    "sdk",
    `signature verification failed; please verify account number (${accountNumber}) and chain-id (${chainId}): (unable to verify single signer signature): unauthorized`,
  );
}
