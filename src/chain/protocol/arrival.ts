import type { SharedParams } from "../proto/shared.ts";

/** A session's span as a relay's header states it. */
export type HeaderSpan = { readonly start: bigint; readonly end: bigint };

export type RelayArrival = {
  readonly phase: "active" | "grace" | "expired";
  /** An expired session's relay is refused; all others are answered. */
  readonly served: boolean;
  /** The height at which GetSession is asked for the session; 0 if the relay is not answered. */
  readonly lookupHeight: bigint;
  /** The Go relayer calls such a relay too late for a reward in its log, yet mines it (relay-path 5.4). */
  readonly late: boolean;
};

const PLAUSIBLE_BLOCKS = 10_000n;

/**
 * What becomes of a relay that arrives at `height` (0 if unknown): answered while its session runs and in the grace period after
 * it (relay-path 5.4). `params` are the shared params in force at the session's end. Past answering, a relay is worth something
 * only if it reaches the tree before the claim is built, see `sessionWindows`.
 */
export function relayArrival(
  session: HeaderSpan,
  height: bigint,
  params: Pick<SharedParams, "gracePeriodEndOffsetBlocks">,
): RelayArrival {
  const graceEnd = session.end + BigInt.asIntN(64, params.gracePeriodEndOffsetBlocks);
  const late = height >= graceEnd - 1n && height !== 0n;
  if (height === 0n || session.end >= height)
    return { phase: "active", served: true, lookupHeight: session.start, late };
  if (height <= graceEnd) return { phase: "grace", served: true, lookupHeight: session.end, late };
  return { phase: "expired", served: false, lookupHeight: 0n, late };
}

/**
 * The last height at which a relay of the session that ends at `end` is served: it must be in grace, and the claim that it is to be part
 * of must not be open yet (relay-path 5.4). `params` are those in force at the session's end. The chain's params have the first imply the
 * second; nothing here relies on that.
 */
export function lastPaidHeight(
  end: bigint,
  params: Pick<SharedParams, "gracePeriodEndOffsetBlocks" | "claimWindowOpenOffsetBlocks">,
): bigint {
  const grace = BigInt.asIntN(64, params.gracePeriodEndOffsetBlocks);
  const untilClaims = BigInt.asIntN(64, params.claimWindowOpenOffsetBlocks);
  return end + (grace < untilClaims ? grace : untilClaims);
}

/**
 * A check of a header's heights that needs no chain: a positive start before the end, and neither the length nor the distance
 * from `height` above 10 000 blocks (relay-path 5.6, step 3). A `height` below 1 means unknown and limits only the length.
 */
export function heightsPlausible({ start, end }: HeaderSpan, height: bigint): boolean {
  if (start <= 0n || end <= start || end - start > PLAUSIBLE_BLOCKS) return false;
  if (height <= 0n) return true;
  return start <= height + PLAUSIBLE_BLOCKS && end >= height - PLAUSIBLE_BLOCKS;
}
