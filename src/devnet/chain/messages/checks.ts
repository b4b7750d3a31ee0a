import type { Coin } from "../../../chain/proto/cosmos.ts";
import { type GrpcClass, HandlerError } from "../../context.ts";
import { addressProblem } from "../bech32-problem.ts";
import { amountOf, DENOM } from "../coins.ts";

/** Throws HandlerError with the class and text when the condition does not hold. */
export function insist(
  holds: boolean,
  text: string,
  grpcClass: GrpcClass = "InvalidArgument",
): asserts holds {
  if (!holds) throw new HandlerError(grpcClass, text);
}

/** Throws HandlerError InvalidArgument on a text that is no address. */
export function requireAddress(address: string, what: string): void {
  const problem = addressProblem(address);
  insist(problem === undefined, `invalid ${what} address "${address}"; (${problem}): invalid address`);
}

/** The upokt of a stake. Throws HandlerError InvalidArgument unless it is a positive amount of upokt. */
export function requireStake(stake: Coin | undefined, error: string): bigint {
  insist(stake !== undefined, `nil stake amount: ${error}`);
  insist(
    stake.denom === DENOM,
    `invalid stake amount denom, expecting ${DENOM}, got ${stake.denom}: ${error}`,
  );
  const amount = amountOf(stake);
  insist(amount > 0n, `invalid stake amount: ${stake.amount}${stake.denom} <= 0: ${error}`);
  return amount;
}
