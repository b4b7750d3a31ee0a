/** One entry of a module's parameter history, such as ParamsUpdate of the shared module. */
export type EffectiveParams<Params> = {
  readonly effectiveHeight: bigint;
  readonly params: Params | undefined;
};

/**
 * The set that was in force at a height: the newest entry that took effect at or before it, else the live set
 * (mining-path 3.2). Entries may come in any order; of two with one height the later in the list counts.
 */
export function paramsAt<Params>(
  history: readonly EffectiveParams<Params>[],
  live: Params,
  height: bigint,
): Params {
  let newest: EffectiveParams<Params> | undefined;
  for (const entry of history)
    if (
      entry.effectiveHeight <= height &&
      (newest === undefined || entry.effectiveHeight >= newest.effectiveHeight)
    )
      newest = entry;
  return newest?.params ?? live;
}
