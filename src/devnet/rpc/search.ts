import type { Backend, BackendTxResult } from "../backend.ts";
import type { EventQuery } from "./event-query.ts";
import { txEvents } from "./events.ts";
import { internalError } from "./rpc-error.ts";
import { txHash } from "./shapes.ts";

type FoundTx = {
  readonly height: bigint;
  readonly index: number;
  readonly tx: Uint8Array;
  readonly result: BackendTxResult;
};

/** Indexed transactions whose events match, oldest first. */
export function searchTxs(backend: Backend, matches: EventQuery): readonly FoundTx[] {
  const found: FoundTx[] = [];
  for (let height = 1n; height <= backend.status().executed; height++) {
    const txs = backend.block(height)?.txs ?? [];
    const results = backend.results(height)?.txs ?? [];
    for (const [index, tx] of txs.entries()) {
      const result = results[index];
      const hash = txHash(tx);
      if (result && backend.tx(hash) && matches(txEvents(result, height, hash)))
        found.push({ height, index, tx, result });
    }
  }
  return found;
}

export function order<T>(found: readonly T[], by: string): readonly T[] {
  if (by === "desc") return found.toReversed();
  if (by === "asc" || by === "") return found;
  throw internalError("expected order_by to be either `asc` or `desc` or empty");
}

const PER_PAGE = 30;
const PER_PAGE_MOST = 100;

/** One page of a search: 30 entries unless asked otherwise, at most 100. */
export function page<T>(
  found: readonly T[],
  wanted = 1n,
  perPage: bigint | undefined = undefined,
): readonly T[] {
  const size = perPage === undefined || perPage < 1n ? PER_PAGE : Math.min(Number(perPage), PER_PAGE_MOST);
  const pages = Math.max(1, Math.ceil(found.length / size));
  if (wanted < 1n || wanted > BigInt(pages))
    throw internalError(`page should be within [1, ${pages}] range, given ${wanted}`);
  const from = (Number(wanted) - 1) * size;
  return found.slice(from, from + size);
}
