import type { Reason } from "./reasons.ts";
import { byText } from "./shares.ts";

/** One movement of money that a claim causes. Modules by name, accounts by address; amounts in upokt. */
export type Operation =
  | {
      readonly type: "mint" | "burn";
      readonly module: string;
      readonly reason: Reason;
      readonly amount: bigint;
    }
  | {
      /** To another module, or to an account. */
      readonly type: "mod_to_mod" | "mod_to_acct";
      readonly module: string;
      readonly recipient: string;
      readonly reason: Reason;
      readonly amount: bigint;
    };

type OperationType = Operation["type"];

/** Operations of many claims with one purpose, as the chain executes them. */
export type Batch = {
  readonly type: OperationType;
  readonly module: string;
  /** Empty for mints and burns. */
  readonly recipient: string;
  readonly reason: Reason;
  readonly amount: bigint;
  /** How many operations it sums up. */
  readonly count: number;
};

/** Money is made before it is moved, and moved before it is burned. */
const ORDER: readonly OperationType[] = ["mint", "mod_to_mod", "mod_to_acct", "burn"];

/**
 * All operations of a block, summed per module, recipient and reason, in the order the chain executes them: by type, then by the
 * text of these three, reason numbers compared as text (chain 8.5).
 */
export function batchesOf(operations: readonly Operation[]): Batch[] {
  return ORDER.flatMap((type) => {
    const batches = new Map<string, Batch>();
    for (const operation of operations) if (operation.type === type) addTo(batches, operation);
    return [...batches.entries()]
      .toSorted(([left], [right]) => byText(left, right))
      .map(([, batch]) => batch);
  });
}

function addTo(batches: Map<string, Batch>, operation: Operation): void {
  const recipient = "recipient" in operation ? operation.recipient : "";
  const { type, module, reason, amount } = operation;
  const key = recipient === "" ? `${module}|${reason}` : `${module}|${recipient}|${reason}`;
  const known = batches.get(key);
  batches.set(key, {
    type,
    module,
    recipient,
    reason,
    amount: amount + (known?.amount ?? 0n),
    count: 1 + (known?.count ?? 0),
  });
}
