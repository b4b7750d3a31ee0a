import { EMPTY, fromUtf8, utf8 } from "../../../base/bytes.ts";
import type { PageRequest, PageResponse } from "../../../chain/proto/cosmos.ts";
import { HandlerError } from "../../context.ts";

const DEFAULT_LIMIT = 100n;

type Page<V> = { readonly items: readonly V[]; readonly pagination: PageResponse };

/**
 * One page of a store's entries, which come as keys in store order. Without a request, or with limit 0, 100 entries and their total
 * number; `nextKey` is the store key of the first entry that did not fit (chain 3.2).
 */
export function page<V>(
  entries: readonly (readonly [key: string, value: V])[],
  request: PageRequest | undefined,
): Page<V> {
  const { key = EMPTY, offset = 0n, reverse = false } = request ?? {};
  if (key.length > 0 && offset > 0n)
    throw new HandlerError("InvalidArgument", "invalid request, either offset or key is expected, got both");
  const unlimited = (request?.limit ?? 0n) === 0n;
  const limit = unlimited ? DEFAULT_LIMIT : (request?.limit ?? DEFAULT_LIMIT);
  const ordered = reverse ? entries.toReversed() : entries;
  const from = key.length > 0 ? firstFrom(ordered, fromUtf8(key), reverse) : Number(offset);
  const until = from + Number(limit);
  const next = ordered[until]?.[0];
  const counted = key.length === 0 && (unlimited || request?.countTotal === true);
  return {
    items: ordered.slice(from, until).map(([, value]) => value),
    pagination: {
      nextKey: next === undefined ? EMPTY : utf8(next),
      total: counted ? BigInt(entries.length) : 0n,
    },
  };
}

function firstFrom(ordered: readonly (readonly [string, unknown])[], key: string, reverse: boolean): number {
  const index = ordered.findIndex(([own]) => (reverse ? own <= key : own >= key));
  return index < 0 ? ordered.length : index;
}
