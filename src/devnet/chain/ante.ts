import { addressBytes, isAddress, moduleAddress } from "../../chain/protocol/address.ts";
import { feeFor } from "../../chain/protocol/tx/fee.ts";
import { plainEvent } from "../context.ts";
import type { AnteContext } from "./ante-context.ts";
import { verifySignatures } from "./ante-signatures.ts";
import { send } from "./bank.ts";
import { amountOf, coinsText, DENOM } from "./coins.ts";
import { GAS } from "./gas.ts";
import { goTimeText } from "./go-text.ts";
import type { DecodedTx } from "./tx.ts";
import { TxError } from "./tx-error.ts";

const MAX_MEMO = 256;
const FEE_COLLECTOR = moduleAddress("fee_collector");

/** Steps 5 to 14 of chain 4.1, in their order: form, timeouts, memo, size, fee, keys, nonce, signatures. Throws TxError. */
export function ante(context: AnteContext): void {
  const { tx, gas } = context;
  checkForm(tx);
  checkTimeouts(context);
  if (tx.body.memo.length > MAX_MEMO)
    throw new TxError(
      12,
      "sdk",
      `maximum number of characters is ${MAX_MEMO} but received ${tx.body.memo.length} characters: memo too large`,
    );
  gas.consume(GAS.txByte * tx.bytes.length, "txSize");
  takeFee(context);
  verifySignatures(context);
}

function checkForm({ raw, body, signers }: DecodedTx): void {
  if (body.extensionOptions.length > 0) throw new TxError(31, "sdk", "unknown extension options");
  const bad = signers.find((signer) => !isAddress(signer));
  if (bad !== undefined) throw new TxError(7, "sdk", `${bad}: invalid address`);
  if (raw.signatures.length === 0) throw new TxError(15, "sdk", "no signatures supplied");
  if (raw.signatures.length !== signers.length)
    throw new TxError(
      4,
      "sdk",
      `wrong number of signers; expected ${signers.length}, got ${raw.signatures.length}: unauthorized`,
    );
}

function checkTimeouts({ state, tx }: AnteContext): void {
  const { timeoutHeight } = tx.body;
  if (timeoutHeight !== 0n && timeoutHeight < state.height)
    throw new TxError(
      30,
      "sdk",
      `block height: ${state.height}, timeout height: ${timeoutHeight}: tx timeout height`,
    );
  if (tx.timeoutNs !== undefined && tx.timeoutNs < state.timeNs)
    throw new TxError(
      42,
      "sdk",
      `block time: ${goTimeText(state.timeNs)}, timeout timestamp: ${goTimeText(tx.timeoutNs)}: tx timeout`,
    );
}

function takeFee(context: AnteContext): void {
  const { state, tx, mode, gas, emit } = context;
  const fee = tx.authInfo.fee?.amount ?? [];
  const amount = fee.reduce((sum, coin) => (coin.denom === DENOM ? sum + amountOf(coin) : sum), 0n);
  if (mode === "check" || mode === "recheck") requireFee(context, amount);
  const payer = tx.authInfo.fee?.payer || (tx.signers[0] ?? "");
  if (state.accounts.get(payer) === undefined) throw unknownPayer(payer);
  gas.consume(GAS.fee, "WriteFlat");
  if (amount > 0n) payFee(() => send(state, emit, payer, FEE_COLLECTOR, amount));
  emit(plainEvent("tx", { fee: coinsText(fee), fee_payer: payer }));
}

function requireFee({ tx, minGasPrice }: AnteContext, amount: bigint): void {
  const gasLimit = tx.authInfo.fee?.gasLimit ?? 0n;
  const [required] = feeFor(minGasPrice, gasLimit);
  if (amount >= amountOf(required)) return;
  throw new TxError(
    13,
    "sdk",
    `insufficient fees; got: ${coinsText(tx.authInfo.fee?.amount ?? [])} required: ${coinsText(required ? [required] : [])}: insufficient fee`,
  );
}

/** The fee's own step repeats the name of the error. */
function payFee(pay: () => void): void {
  try {
    pay();
  } catch (thrown) {
    if (!(thrown instanceof TxError)) throw thrown;
    throw new TxError(thrown.code, thrown.codespace, `${thrown.text}: insufficient funds`);
  }
}

/** The chain prints the raw bytes here. */
function unknownPayer(payer: string): TxError {
  const raw = isAddress(payer) ? Buffer.from(addressBytes(payer)).toString("utf8") : payer;
  return new TxError(9, "sdk", `fee payer address: ${raw} does not exist: unknown address`);
}
