import { type Any, BaseAccount, ModuleAccount, PubKey } from "../../../chain/proto/cosmos.ts";
import { QUERIES } from "../../../chain/proto/queries.ts";
import { toAny } from "../../../chain/protocol/tx/message.ts";
import { HandlerError } from "../../context.ts";
import { type Account, fork } from "../../state.ts";
import { balanceOf } from "../bank.ts";
import { addressProblem } from "../bech32-problem.ts";
import { DENOM, upokt } from "../coins.ts";
import { runTx, type TxOutcome, type TxRules } from "../execute.ts";
import { handler, type QueryHandler } from "./answer.ts";
import { page } from "./paging.ts";

const AUTH_PARAMS = {
  maxMemoCharacters: 256n,
  txSigLimit: 7n,
  txSizeCostPerByte: 10n,
  sigVerifyCostEd25519: 590n,
  sigVerifyCostSecp256k1: 1000n,
};

/** Accounts, balances and the simulation of transactions, by path (chain 3.2, 4.4). */
export const cosmosQueries = (rules: TxRules): readonly (readonly [string, QueryHandler])[] => [
  [
    QUERIES.account.path,
    handler(QUERIES.account, (state, { address }) => {
      requireAddress(address);
      const account = state.accounts.get(address);
      if (account === undefined) throw new HandlerError("NotFound", `account ${address} not found`);
      return { account: accountAny(account) };
    }),
  ],
  [QUERIES.authParams.path, handler(QUERIES.authParams, () => ({ params: AUTH_PARAMS }))],
  [
    QUERIES.balance.path,
    handler(QUERIES.balance, (state, { address, denom }) => {
      requireAddress(address);
      const amount = denom === DENOM ? balanceOf(state, address) : 0n;
      return { balance: { denom, amount: amount.toString() } };
    }),
  ],
  [
    QUERIES.allBalances.path,
    handler(QUERIES.allBalances, (state, { address, pagination: wanted }) => {
      requireAddress(address);
      const amount = balanceOf(state, address);
      const { items, pagination } = page(amount > 0n ? [[DENOM, upokt(amount)] as const] : [], wanted);
      return { balances: items, pagination };
    }),
  ],
  [
    QUERIES.simulate.path,
    handler(QUERIES.simulate, (state, { txBytes }) => {
      if (txBytes.length === 0) throw new HandlerError("InvalidArgument", "empty txBytes is not allowed");
      return simulated(runTx(fork(state), txBytes, "simulate", rules));
    }),
  ],
];

function requireAddress(address: string): void {
  const problem = addressProblem(address);
  if (problem === undefined) return;
  throw new HandlerError("InvalidArgument", address === "" ? "Address cannot be empty" : problem);
}

function accountAny({ address, accountNumber, sequence, publicKey, module }: Account): Any {
  const base: BaseAccount = {
    address,
    pubKey: publicKey === undefined ? undefined : toAny(PubKey, { key: publicKey }),
    accountNumber,
    sequence,
  };
  if (module === undefined) return toAny(BaseAccount, base);
  return toAny(ModuleAccount, { baseAccount: base, name: module.name, permissions: module.permissions });
}

const HANDLER_POSITION = "cosmos/cosmos-sdk@v0.53.7/baseapp/baseapp.go:1052";
const CHECK_POSITION = "cosmossdk.io/errors@v1.0.2/errors.go:155";

function simulated({ code, log, data, responses, gasWanted, gasUsed, events }: TxOutcome) {
  if (code !== 0) {
    const position = log.startsWith("failed to execute message") ? HANDLER_POSITION : CHECK_POSITION;
    throw new HandlerError("Unknown", `${log} [${position}] with gas used: '${gasUsed}'`);
  }
  return {
    gasInfo: { gasWanted, gasUsed },
    result: {
      data: data ?? new Uint8Array(),
      log: "",
      events: events.map(({ type, attributes }) => ({
        type,
        attributes: attributes.map((attribute) => ({ ...attribute, index: false })),
      })),
      msgResponses: responses,
    },
  };
}
