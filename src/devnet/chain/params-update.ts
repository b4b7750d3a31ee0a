import type { SessionParams } from "../../chain/proto/session.ts";
import type { SharedParams } from "../../chain/proto/shared.ts";
import { blocksToProofClose, sessionAt } from "../../chain/protocol/session-grid.ts";
import { HandlerError } from "../context.ts";
import { atHeightKey } from "../keys.ts";
import { type ChainState, liveParams, setLiveParams } from "../state.ts";
import { sortable } from "../table.ts";
import { nextSessionStart, sharedParamsAt } from "./at-height.ts";

/** The fields that change the grid and its windows: live changes of them wait for the session's end (chain 10). */
const TIMING = [
  "numBlocksPerSession",
  "gracePeriodEndOffsetBlocks",
  "claimWindowOpenOffsetBlocks",
  "claimWindowCloseOffsetBlocks",
  "proofWindowOpenOffsetBlocks",
  "proofWindowCloseOffsetBlocks",
] as const;

/** Schedules shared params for the next session, with the grid's new anchor. Throws HandlerError on params that cannot be (chain 10). */
export function updateSharedParams(state: ChainState, sent: SharedParams): void {
  const problem = sharedParamsProblem(sent);
  if (problem !== undefined)
    throw new HandlerError("InvalidArgument", `${problem}: the provided param is invalid`);
  const live = liveParams(state, "shared");
  const put = (effectiveHeight: bigint, params: SharedParams) =>
    state.sharedHistory.set(sortable(effectiveHeight), { effectiveHeight, params });
  if (state.sharedHistory.keys().length === 0)
    put(1n, { ...live, sessionGridAnchorHeight: 1n, sessionNumberAtAnchor: 1n });
  const now = sharedParamsAt(state, state.height);
  const next = nextSessionStart(state);
  const anchor =
    sent.numBlocksPerSession === now.numBlocksPerSession
      ? {
          sessionGridAnchorHeight: now.sessionGridAnchorHeight,
          sessionNumberAtAnchor: now.sessionNumberAtAnchor,
        }
      : { sessionGridAnchorHeight: next, sessionNumberAtAnchor: sessionAt(now, state.height).number + 1n };
  put(next, { ...sent, ...anchor });
  if (TIMING.some((field) => sent[field] !== live[field])) return;
  const { sessionGridAnchorHeight, sessionNumberAtAnchor } = live;
  setLiveParams(state, "shared", { ...sent, sessionGridAnchorHeight, sessionNumberAtAnchor });
}

/** At the end of the block at which scheduled params take effect they become the live ones (chain 10). */
export function promoteSharedParams(state: ChainState): void {
  const due = state.sharedHistory.get(sortable(state.height));
  if (due?.params !== undefined && state.height > 1n) setLiveParams(state, "shared", due.params);
}

/** Live at once, for sessions from the next one on (chain 10). */
export function updateSessionParams(state: ChainState, params: SessionParams): void {
  if (params.numSuppliersPerSession < 1n)
    throw new HandlerError(
      "InvalidArgument",
      `number of suppliers per session must be greater than 0: the provided param is invalid`,
    );
  const put = (effectiveHeight: bigint, entry: SessionParams) =>
    state.sessionHistory.set(sortable(effectiveHeight), { effectiveHeight, params: entry });
  if (state.sessionHistory.keys().length === 0) put(state.height, liveParams(state, "session"));
  put(nextSessionStart(state), params);
  setLiveParams(state, "session", params);
}

/** A new price of a service's relays: live at once, by history from the next session on. False for an unknown service (chain 9). */
export function changeComputeUnits(
  state: ChainState,
  serviceId: string,
  computeUnitsPerRelay: bigint,
): boolean {
  const service = state.services.get(serviceId);
  if (service === undefined) return false;
  const put = (effectiveHeight: bigint, units: bigint) =>
    state.cuprHistory.set(atHeightKey(serviceId, effectiveHeight), {
      effectiveHeight,
      serviceId,
      computeUnitsPerRelay: units,
    });
  if (state.cuprHistory.keys(`${serviceId}/`).length === 0) put(1n, service.computeUnitsPerRelay);
  put(nextSessionStart(state), computeUnitsPerRelay);
  state.services.set(serviceId, { ...service, computeUnitsPerRelay });
  return true;
}

/** Why a set of shared params is refused (mining-path 3.3). */
export function sharedParamsProblem(params: SharedParams): string | undefined {
  const { numBlocksPerSession: length, gracePeriodEndOffsetBlocks: grace } = params;
  const windows = blocksToProofClose(params);
  if (length < 1n) return `invalid NumBlocksPerSession: (${length})`;
  if (params.computeUnitsToTokensMultiplier < 1n) return "invalid ComputeUnitsToTokensMultiplier: (0)";
  if (params.computeUnitCostGranularity < 1n) return "invalid ComputeUnitCostGranularity: (0)";
  if (params.claimWindowOpenOffsetBlocks < grace)
    return `ClaimWindowOpenOffsetBlocks (${params.claimWindowOpenOffsetBlocks}) must be at least equal to GracePeriodEndOffsetBlocks (${grace})`;
  if (grace >= length)
    return `GracePeriodEndOffsetBlocks (${grace}) must be less than NumBlocksPerSession (${length})`;
  if (windows < 1n) return "the session's windows must last at least one block";
  // gateways have no such bound: real chains run with one session (recordings/abci_query/shared_params)
  for (const sessions of [params.supplierUnbondingPeriodSessions, params.applicationUnbondingPeriodSessions])
    if (sessions * length < windows)
      return `an unbonding period (${sessions} sessions) (${sessions * length} blocks) must be at least the session end to proof window close (${windows} blocks)`;
  return undefined;
}
