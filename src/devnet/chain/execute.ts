import { toError } from "../../base/errors.ts";
import type { Any } from "../../chain/proto/cosmos.ts";
import { TxMsgData } from "../../chain/proto/tx-result.ts";
import type { GasPrice } from "../../chain/protocol/tx/fee.ts";
import { type ChainEvent, HandlerError } from "../context.ts";
import { type ChainState, fork } from "../state.ts";
import { ante } from "./ante.ts";
import type { TxMode } from "./ante-context.ts";
import { GAS, GasMeter } from "./gas.ts";
import type { MessageRegistry } from "./messages/registry.ts";
import { type DecodedTx, decodeTx } from "./tx.ts";
import { TxError } from "./tx-error.ts";

export type TxRules = { readonly registry: MessageRegistry; readonly minGasPrice: GasPrice };

export type TxOutcome = {
  readonly code: number;
  readonly codespace: string;
  readonly log: string;
  /** TxMsgData; undefined for a failed transaction. */
  readonly data: Uint8Array | undefined;
  readonly responses: readonly Any[];
  readonly gasWanted: bigint;
  readonly gasUsed: bigint;
  readonly events: readonly ChainEvent[];
};

const MAX_UINT64 = 2n ** 64n - 1n;
const OUT_OF_GAS = 11;

/**
 * Runs a transaction on a state: step by step as chain 4.1. What steps 3 to 14 changed stays in the state even if a message fails; what
 * messages changed only if all of them succeed. Never throws: the outcome has the code.
 */
export function runTx(state: ChainState, bytes: Uint8Array, mode: TxMode, rules: TxRules): TxOutcome {
  const events: ChainEvent[] = [];
  let gasWanted = mode === "simulate" ? MAX_UINT64 : 0n;
  let gas = new GasMeter();
  const end = (outcome: Pick<TxOutcome, "code" | "codespace" | "log" | "data" | "responses">): TxOutcome => ({
    ...outcome,
    gasWanted,
    gasUsed: gas.used,
    events,
  });
  try {
    const tx = decodeTx(bytes, rules.registry);
    const limit = tx.authInfo.fee?.gasLimit ?? 0n;
    gas = new GasMeter(mode === "simulate" ? undefined : limit);
    if (mode !== "simulate") gasWanted = limit;
    if (mode === "simulate") readParams(gas);
    checkMessages(tx);
    if (mode !== "simulate") readParams(gas);
    runAnte({ state, tx, mode, gas, minGasPrice: rules.minGasPrice, events });
    const responses = mode === "check" || mode === "recheck" ? [] : runMessages({ state, tx, gas, events });
    return end({
      code: 0,
      codespace: "",
      log: "",
      data: TxMsgData.encode({ msgResponses: responses }),
      responses,
    });
  } catch (thrown) {
    return end({ ...refusalOf(thrown), data: undefined, responses: [] });
  }
}

/** The first gas of a transaction. A simulation counts it before the stateless checks (recordings/abci_query/tx_simulate_claim_root_47). */
function readParams(gas: GasMeter): void {
  gas.consume(GAS.params.flat, "ReadFlat");
  gas.consume(GAS.params.firstBytes, "ReadPerByte");
  gas.consume(GAS.params.bytes, "ReadPerByte");
}

function checkMessages({ messages }: DecodedTx): void {
  if (messages.length === 0)
    throw new TxError(18, "sdk", "must contain at least one message: invalid request");
  for (const message of messages) {
    const problem = message.stateless();
    if (problem !== undefined) throw problem;
  }
}

type Run = {
  readonly state: ChainState;
  readonly tx: DecodedTx;
  readonly gas: GasMeter;
  readonly events: ChainEvent[];
};

function runAnte(run: Run & { readonly mode: TxMode; readonly minGasPrice: GasPrice }): void {
  const { tx, mode, gas, minGasPrice, events } = run;
  const state = fork(run.state);
  const told: ChainEvent[] = [];
  ante({ state, tx, mode, gas, minGasPrice, emit: (event) => told.push(event) });
  state.commit();
  events.push(...told);
}

function runMessages(run: Run): Any[] {
  const state = fork(run.state);
  const told: ChainEvent[] = [];
  const responses = run.tx.messages.map((message, index) => {
    const own = { key: "msg_index", value: String(index) };
    const emit = ({ type, attributes }: ChainEvent) => told.push({ type, attributes: [...attributes, own] });
    run.gas.consume(message.gas, "WriteFlat");
    emit({
      type: "message",
      attributes: [
        { key: "action", value: message.type.typeUrl },
        { key: "sender", value: message.signer },
        { key: "module", value: message.type.module },
      ],
    });
    const ctx = { height: state.height, timeMs: Number(state.timeNs / 1_000_000n), emit };
    const value = failing(index, () => message.run(state, ctx));
    return { typeUrl: `${message.type.typeUrl}Response`, value };
  });
  state.commit();
  run.events.push(...told);
  return responses;
}

/** What a handler throws, as the transaction's own refusal (chain 4.3). */
function failing<T>(index: number, handle: () => T): T {
  const prefix = `failed to execute message; message index: ${index}: `;
  try {
    return handle();
  } catch (thrown) {
    if (thrown instanceof HandlerError)
      throw new TxError(
        1,
        "undefined",
        `${prefix}rpc error: code = ${thrown.grpcClass} desc = ${thrown.text}`,
      );
    if (thrown instanceof TxError && thrown.code !== OUT_OF_GAS)
      throw new TxError(thrown.code, thrown.codespace, `${prefix}${thrown.text}`);
    throw thrown;
  }
}

/** Anything but a refusal is a defect of this chain: it shows as the chain's own panics do. */
function refusalOf(thrown: unknown): { code: number; codespace: string; log: string } {
  if (thrown instanceof TxError) return { code: thrown.code, codespace: thrown.codespace, log: thrown.text };
  const error = toError(thrown);
  return {
    code: 111222,
    codespace: "undefined",
    log: `recovered: ${error.message}\nstack:\n${error.stack}: panic`,
  };
}
