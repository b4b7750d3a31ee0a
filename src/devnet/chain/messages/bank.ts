import { type Coin, MsgSend } from "../../../chain/proto/cosmos.ts";
import { mayReceive } from "../accounts.ts";
import { send } from "../bank.ts";
import { addressProblem } from "../bech32-problem.ts";
import { amountOf, coinsText, DENOM } from "../coins.ts";
import { GAS } from "../gas.ts";
import { TxError } from "../tx-error.ts";
import { messageType } from "./message-type.ts";

export const bankSend = messageType(MsgSend, {
  signer: ({ fromAddress }) => fromAddress,
  gas: () => GAS.send,
  handle: (state, { fromAddress, toAddress, amount }, ctx) => {
    requireSendable(fromAddress, "from");
    requireSendable(toAddress, "to");
    const coin = onlyCoin(amount);
    if (!mayReceive(toAddress))
      throw new TxError(4, "sdk", `${toAddress} is not allowed to receive funds: unauthorized`);
    send(state, ctx.emit, fromAddress, toAddress, amountOf(coin));
  },
});

function requireSendable(address: string, side: "from" | "to"): void {
  const problem = addressProblem(address);
  if (problem !== undefined)
    throw new TxError(7, "sdk", `invalid ${side} address: ${problem}: invalid address`);
}

/** This chain has one denomination. */
function onlyCoin(amount: readonly Coin[]): Coin {
  const [coin] = amount;
  if (coin === undefined || amount.length > 1 || !/^[1-9]\d*$/.test(coin.amount))
    throw new TxError(10, "sdk", `${coinsText(amount)}: invalid coins`);
  if (coin.denom !== DENOM)
    throw new TxError(
      5,
      "sdk",
      `spendable balance 0${coin.denom} is smaller than ${coinsText(amount)}: insufficient funds`,
    );
  return coin;
}
