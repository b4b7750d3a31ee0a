import type { Clock } from "../../base/clock.ts";
import type { ChainView, ReplicaView, Section } from "../ops/view.ts";

/** Block time is averaged over the blocks seen in the last so many milliseconds. */
const WINDOW_MS = 10 * 60_000;
const MOST_SEEN = 600;

type Seen = { readonly height: bigint; readonly at: number };

/** The chain as the replicas of successive views know it: its height, the age of the newest block, the time between blocks. */
export function chainWatch(clock: Clock): (replicas: Section<readonly ReplicaView[]>) => ChainView {
  const seen: Seen[] = [];
  return ({ value, readAt }) => {
    const live = value.filter(({ alive, height }) => alive && height !== undefined);
    const height = highest(live);
    const now = clock.monotonic();
    if (height !== undefined) remember(seen, { height, at: now });
    const told = live.flatMap(({ height: own, heightAgeMs }) =>
      own === height && heightAgeMs !== undefined ? [heightAgeMs + (clock.now() - (readAt ?? 0))] : [],
    );
    // Nobody tells an age: then it is the time since this reader saw the height grow; before it did, it is unknown.
    const newest = seen.length > 1 ? seen.at(-1) : undefined;
    const since = newest && now - newest.at;
    return { height, blockAgeMs: told.length > 0 ? Math.max(...told) : since, blockMs: blockTime(seen) };
  };
}

function remember(seen: Seen[], block: Seen): void {
  const newest = seen.at(-1);
  if (newest?.height === block.height) return;
  // A lower height is another chain under the same Redis.
  if (newest !== undefined && block.height < newest.height) seen.length = 0;
  seen.push(block);
  const isOld = () => seen.length > 2 && block.at - (seen[0]?.at ?? block.at) > WINDOW_MS;
  while (seen.length > MOST_SEEN || isOld()) seen.shift();
}

const highest = (replicas: readonly ReplicaView[]): bigint | undefined =>
  replicas
    .flatMap(({ height }) => height ?? [])
    .sort((left, right) => Number(left - right))
    .at(-1);

/** The first height may have been old when it was seen: only the steps after it are measured. */
function blockTime(seen: readonly Seen[]): number | undefined {
  const [first, last] = [seen[1], seen.at(-1)];
  if (first === undefined || last === undefined || last.height === first.height) return undefined;
  return (last.at - first.at) / Number(last.height - first.height);
}
