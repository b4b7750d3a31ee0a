import type { Clock } from "../../../base/clock.ts";
import { relayApplicable } from "../../../chain/protocol/difficulty.ts";
import type { RelayLeaf } from "../../../chain/protocol/relay-answer.ts";
import { encodeEntry, type RelayPublisher } from "../../redis/relay-stream.ts";
import type { Heights } from "../heights.ts";
import type { RelayerMetrics } from "../metrics.ts";
import { Reject } from "../rejects.ts";
import type { PreparedSession } from "../sessions.ts";
import type { DecodedRelay } from "./decode.ts";

export type PublishDependencies = {
  readonly publisher: RelayPublisher;
  readonly heights: Heights;
  readonly clock: Clock;
  readonly metrics: RelayerMetrics;
};

/** Pauses between attempts, in milliseconds. The entry is the same each time, so two that both arrive are one leaf. */
const RETRY_AFTER_MS = [50, 200, 600];
/** No attempt begins later than this: a Redis that does not answer takes its time for each, and the client waits for all of them. */
const LAST_ATTEMPT_MS = 2_000;

/**
 * Stores a relay for the miner, unless it is above the difficulty target (relay-path 2.4) or its session's claim is being made.
 * Throws Reject store_unavailable when Redis did not take it in any attempt.
 */
export async function publish(
  relay: DecodedRelay,
  session: PreparedSession,
  { relayHash, relayBytes }: RelayLeaf,
  { publisher, heights, clock, metrics }: PublishDependencies,
): Promise<void> {
  const service = relay.header.serviceId;
  if (!relayApplicable(relayHash, session.target)) {
    metrics.skipped.inc({ service_id: service });
    return;
  }
  // It came in time, and its answer took too long. The client has paid with its wait: it is answered, and nothing is stored in vain.
  if (heights.current >= session.claimOpen) {
    metrics.dropped.inc({ service_id: service, reason: "claim_window_open" });
    return;
  }
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
  const lastAt = clock.monotonic() + LAST_ATTEMPT_MS;
  for (const pause of [...RETRY_AFTER_MS, undefined]) {
    try {
      await publisher.publish(entry);
      metrics.published.inc({ service_id: service, supplier: relay.supplier });
      return;
    } catch (thrown) {
      if (pause === undefined || clock.monotonic() + pause > lastAt)
        throw new Reject("store_unavailable", undefined, { cause: thrown });
      await clock.sleep(pause);
    }
  }
}
