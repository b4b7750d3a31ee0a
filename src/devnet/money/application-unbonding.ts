import { sessionAt } from "../../chain/protocol/session-grid.ts";
import { sharedParamsAt } from "../chain/at-height.ts";
import { amountOf } from "../chain/coins.ts";
import { applicationJson } from "../chain/entity-json.ts";
import { type BlockContext, typedEvent } from "../context.ts";
import { type ChainState, liveParams } from "../state.ts";

/**
 * Makes an application whose stake fell below the minimum leave at the end of the running session. The chain announces it again
 * with every claim of such an application (chain 8.4).
 */
export function markBelowMinimum(state: ChainState, ctx: BlockContext, address: string): void {
  const application = state.applications.get(address);
  const minimum = amountOf(liveParams(state, "application").minStake);
  if (application === undefined || amountOf(application.stake) >= minimum) return;
  const { end } = sessionAt(sharedParamsAt(state, ctx.height), ctx.height);
  const leaving = { ...application, unstakeSessionEndHeight: end };
  state.applications.set(address, leaving);
  const params = sharedParamsAt(state, end);
  const unbonding = params.applicationUnbondingPeriodSessions * params.numBlocksPerSession;
  ctx.emit(
    typedEvent("pocket.application.EventApplicationUnbondingBegin", {
      application: applicationJson(leaving),
      reason: "APPLICATION_UNBONDING_REASON_BELOW_MIN_STAKE",
      session_end_height: end,
      unbonding_end_height: end + unbonding,
    }),
  );
}
