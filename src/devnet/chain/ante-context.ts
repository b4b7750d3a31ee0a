import type { GasPrice } from "../../chain/protocol/tx/fee.ts";
import type { ChainEvent } from "../context.ts";
import type { ChainState } from "../state.ts";
import type { GasMeter } from "./gas.ts";
import type { DecodedTx } from "./tx.ts";

/** How a transaction is run: into the mempool, again after a block, to estimate its gas, or in a block. */
export type TxMode = "check" | "recheck" | "simulate" | "deliver";

export type AnteContext = {
  readonly state: ChainState;
  readonly tx: DecodedTx;
  readonly mode: TxMode;
  readonly gas: GasMeter;
  readonly minGasPrice: GasPrice;
  emit(event: ChainEvent): void;
};
