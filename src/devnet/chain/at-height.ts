import type { RelayMiningDifficulty } from "../../chain/proto/service.ts";
import type { SessionParams } from "../../chain/proto/session.ts";
import type { SharedParams } from "../../chain/proto/shared.ts";
import { BASE_TARGET } from "../../chain/protocol/difficulty.ts";
import { paramsAt } from "../../chain/protocol/params-history.ts";
import { type SessionSpan, sessionAt } from "../../chain/protocol/session-grid.ts";
import { type ChainState, liveParams } from "../state.ts";
import type { Table } from "../table.ts";

/** The shared params in force at a height: history first, else live (relay-path 1.10). 0 and less: live. */
export const sharedParamsAt = (state: ChainState, height: bigint): SharedParams =>
  paramsAt(state.sharedHistory.values(), liveParams(state, "shared"), height);

export const sessionParamsAt = (state: ChainState, height: bigint): SessionParams =>
  paramsAt(state.sessionHistory.values(), liveParams(state, "session"), height);

/** The price of a relay at a height; the live one before the first entry; undefined for an unknown service (chain 3.2). */
export function computeUnitsAt(state: ChainState, serviceId: string, height: bigint): bigint | undefined {
  const service = state.services.get(serviceId);
  if (service === undefined) return undefined;
  const entry = newestUpTo(state.cuprHistory, `${serviceId}/`, height);
  return entry?.computeUnitsPerRelay ?? service.computeUnitsPerRelay;
}

/** The difficulty in force at a height; before the first entry base difficulty, not the live record (relay-path 1.10). */
export function difficultyAt(state: ChainState, serviceId: string, height: bigint): RelayMiningDifficulty {
  const entry = newestUpTo(state.difficultyHistory, `${serviceId}/`, height);
  return entry?.difficulty ?? baseDifficulty(state, serviceId, 0n);
}

/** What a service has that never settled a claim. */
export const baseDifficulty = (
  state: ChainState,
  serviceId: string,
  blockHeight: bigint,
): RelayMiningDifficulty => ({
  serviceId,
  blockHeight,
  numRelaysEma: liveParams(state, "service").targetNumRelays,
  targetHash: BASE_TARGET,
});

/** The session that the state's own height falls into, by live params: what stakes and changes of it go by (chain 9, 10, 11). */
export const currentSession = (state: ChainState): SessionSpan =>
  sessionAt(liveParams(state, "shared"), state.height);

/** Start of the next session by live params. */
export const nextSessionStart = (state: ChainState): bigint => currentSession(state).end + 1n;

function newestUpTo<V extends { readonly effectiveHeight: bigint }>(
  table: Table<V>,
  prefix: string,
  height: bigint,
): V | undefined {
  return table.values(prefix).findLast((entry) => entry.effectiveHeight <= height);
}
