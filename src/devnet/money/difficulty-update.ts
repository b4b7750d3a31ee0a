import { toHex } from "../../base/bytes.ts";
import type { RelayMiningDifficulty } from "../../chain/proto/service.ts";
import { rootTotals } from "../../chain/protocol/claim.ts";
import { BASE_TARGET, nextDifficulty, nextRelaysEma } from "../../chain/protocol/difficulty.ts";
import { nextSessionStart } from "../chain/at-height.ts";
import { type BlockContext, typedEvent } from "../context.ts";
import { atHeightKey } from "../keys.ts";
import { type ChainState, liveParams } from "../state.ts";
import type { RipeClaim } from "./ripe-claims.ts";
import { byText } from "./shares.ts";

/** Moves the difficulty of every service that had a claim settled in this block, by the leaves that were settled (chain 9). */
export function updateDifficulties(
  state: ChainState,
  ctx: BlockContext,
  settled: readonly RipeClaim[],
): void {
  const leaves = new Map<string, bigint>();
  for (const { claim, header } of settled) {
    const sum = (leaves.get(header.serviceId) ?? 0n) + rootTotals(claim.rootHash).count;
    leaves.set(header.serviceId, BigInt.asUintN(64, sum));
  }
  for (const [serviceId, relays] of [...leaves].toSorted(([left], [right]) => byText(left, right)))
    updateDifficulty(state, ctx, serviceId, relays);
}

function updateDifficulty(state: ChainState, ctx: BlockContext, serviceId: string, relays: bigint): void {
  const wanted = liveParams(state, "service").targetNumRelays;
  const previous: RelayMiningDifficulty = state.difficulties.get(serviceId) ?? {
    serviceId,
    blockHeight: ctx.height,
    numRelaysEma: relays,
    targetHash: targetFor(wanted, relays),
  };
  const numRelaysEma = nextRelaysEma(previous.numRelaysEma, relays);
  const start = nextSessionStart(state);
  const next: RelayMiningDifficulty = {
    serviceId,
    blockHeight: start,
    numRelaysEma,
    targetHash: targetFor(wanted, numRelaysEma),
  };
  if (state.difficultyHistory.keys(`${serviceId}/`).length === 0) putHistory(state, ctx.height, previous);
  putHistory(state, start, next);
  state.difficulties.set(serviceId, next);
  ctx.emit(
    typedEvent("pocket.service.EventRelayMiningDifficultyUpdated", {
      new_num_relays_ema: numRelaysEma,
      new_target_hash_hex_encoded: toHex(next.targetHash),
      prev_num_relays_ema: previous.numRelaysEma,
      prev_target_hash_hex_encoded: toHex(previous.targetHash),
      service_id: serviceId,
    }),
  );
}

/** Always from the easiest target, whatever the last one was. An average of 0 has no target; such a service keeps the easiest. */
const targetFor = (wanted: bigint, average: bigint): Uint8Array =>
  average === 0n ? BASE_TARGET : nextDifficulty(BASE_TARGET, wanted, average);

const putHistory = (state: ChainState, effectiveHeight: bigint, difficulty: RelayMiningDifficulty): void =>
  state.difficultyHistory.set(atHeightKey(difficulty.serviceId, effectiveHeight), {
    effectiveHeight,
    difficulty,
  });
