import type { ChainData } from "./chain-data.ts";

/** Keys shown per cache: a heartbeat stays small however much is cached. */
const SHOWN = 50;

export type CacheAge = {
  readonly size: number;
  /** Key and age in milliseconds of the entries last used. */
  readonly entries: readonly (readonly [key: string, ageMs: number])[];
};

/** What a process's memory holds, for its heartbeat. */
export const cacheAges = (caches: ChainData["caches"]): Record<string, CacheAge> =>
  Object.fromEntries(
    Object.values(caches).map((cache) => [
      cache.entity.name,
      {
        size: cache.size,
        entries: cache.ages(SHOWN).map(({ key, ageMs }) => [key, Math.round(ageMs)] as const),
      },
    ]),
  );
