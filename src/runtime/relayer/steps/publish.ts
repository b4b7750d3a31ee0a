import type { Clock } from "../../../base/clock.ts";
import { relayApplicable } from "../../../chain/protocol/difficulty.ts";
import type { RelayLeaf } from "../../../chain/protocol/relay-answer.ts";
import { encodeEntry } from "../../redis/relay-stream.ts";
import type { Heights } from "../heights.ts";
import type { RelayerMetrics } from "../metrics.ts";
import { Reject } from "../rejects.ts";
import type { PreparedSession } from "../sessions.ts";
import type { RelayStore } from "../spool/relay-store.ts";
import type { DecodedRelay } from "./decode.ts";

export type PublishDependencies = {
  readonly store: RelayStore;
  readonly heights: Heights;
  readonly clock: Clock;
  readonly metrics: RelayerMetrics;
};

/**
 * Stores a relay for the miner, unless it is above the difficulty target (relay-path 2.4).
 * Throws Reject session_expired when the session's claim is being made by now, store_unavailable when neither Redis nor the disk took it.
 */
export async function publish(
  relay: DecodedRelay,
  session: PreparedSession,
  { relayHash, relayBytes }: RelayLeaf,
  { store, heights, clock, metrics }: PublishDependencies,
): Promise<void> {
  const service = relay.header.serviceId;
  if (!relayApplicable(relayHash, session.target)) {
    metrics.skipped.inc({ service_id: service });
    return;
  }
  // It came in time, and its answer took too long: an answer that nobody pays for is none, or what was answered and what is claimed differ.
  if (heights.current >= session.claimOpen)
    throw new Reject("session_expired", "the answer came too late for its claim");
  const arrival = heights.current;
  const entry = encodeEntry(
    {
      relayHash,
      relayBytes,
      computeUnitsPerRelay: session.computeUnitsPerRelay,
      sessionId: relay.header.sessionId,
      sessionEndHeight: relay.header.sessionEndBlockHeight,
      supplierOperatorAddress: relay.supplier,
      serviceId: service,
      applicationAddress: relay.header.applicationAddress,
      arrivalBlockHeight: arrival > 0n ? arrival : relay.header.sessionStartBlockHeight,
      publishedAtUnixNano: 0n,
      sessionStartHeight: relay.header.sessionStartBlockHeight,
    },
    clock,
  );
  try {
    const kept = await store.store(entry);
    if (kept === "redis") metrics.published.inc({ service_id: service, supplier: relay.supplier });
  } catch (thrown) {
    throw new Reject("store_unavailable", undefined, { cause: thrown });
  }
}
