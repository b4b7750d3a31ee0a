import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { nodeMetrics } from "../ops/node-metrics.ts";

const SECONDS = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];
const BLOCKS = [0, 1, 2, 3, 4, 5, 8, 12, 20];

/** The Go peer's names (go-peers 2.6), without its unbounded labels: no session ids, no heights. */
export function minerMetrics() {
  const registry = new Registry();
  nodeMetrics(registry);
  return { registry, ...relayCounters(registry), ...sessionCounters(registry), ...moneyCounters(registry) };
}

type Make = (name: string, help: string, labelNames?: string[]) => Counter;

const counters =
  (registry: Registry): Make =>
  (name, help, labelNames = []) =>
    new Counter({ name: `ha_miner_${name}`, help, labelNames, registers: [registry] });

function relayCounters(registry: Registry) {
  const counter = counters(registry);
  const gauge = (name: string, help: string, labelNames: string[]) =>
    new Gauge({ name: `ha_miner_${name}`, help, labelNames, registers: [registry] });
  return {
    consumed: counter("relays_consumed_from_stream_total", "Stream entries read", ["supplier", "service_id"]),
    added: counter("relays_added_to_smst_total", "Stream entries applied to a trie", [
      "supplier",
      "service_id",
    ]),
    collapsed: counter("claim_leaf_collapse_total", "Applied entries that were a leaf already", ["supplier"]),
    rejected: counter("relays_rejected_total", "Stream entries not applied", ["supplier", "reason"]),
    acknowledged: counter("messages_acknowledged_total", "Stream entries acknowledged and removed"),
    lag: gauge("consumer_lag", "Entries in the stream", ["supplier"]),
    owned: gauge("supplier_claimed_count", "Suppliers this miner works for", ["instance"]),
    fairShare: gauge("supplier_fair_share", "Suppliers this miner should work for", ["instance"]),
    unrecorded: counter("supplier_record_errors_total", "Looks at a supplier that wrote nothing down", [
      "supplier",
    ]),
    leader: gauge("leader_status", "1 while this miner is the fleet's leader", ["instance"]),
    claimedLeases: counter("supplier_claimed_total", "Leases taken"),
    releasedLeases: counter("supplier_released_total", "Leases given up or lost"),
    applySeconds: new Histogram({
      name: "ha_miner_relay_processing_latency_seconds",
      help: "One batch from read to applied",
      buckets: SECONDS,
      registers: [registry],
    }),
  };
}

function sessionCounters(registry: Registry) {
  const counter = counters(registry);
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `ha_miner_${name}`, help, labelNames: ["supplier", "phase"], registers: [registry] });
  const blocks = (name: string, help: string) =>
    new Histogram({ name: `ha_miner_${name}`, help, buckets: BLOCKS, registers: [registry] });
  return {
    due: gauge("sessions_due", "Sessions that a claim or a proof is due for"),
    submissionsWaiting: new Gauge({
      name: "ha_miner_submissions_waiting",
      help: "Transactions that wait for their turn at the node",
      registers: [registry],
    }),
    dueBlocksLeft: gauge("sessions_due_blocks_left", "Blocks until the first of their windows closes"),
    transitions: counter("session_state_transitions_total", "Session states left and entered", [
      "supplier",
      "from_state",
      "to_state",
    ]),
    claimsSubmitted: counter("claims_submitted_total", "Claims broadcast", ["supplier"]),
    claimErrors: counter("claim_errors_total", "Claims that could not be sent", ["supplier", "reason"]),
    claimHolds: counter(
      "claim_holds_total",
      "Times that claims waited for relays on their way, until the next block or the window's end",
      ["supplier", "reason", "end"],
    ),
    claimsSkipped: counter("claims_skipped_total", "Claims not made on purpose", ["supplier", "reason"]),
    claimOutcome: counter("claim_inclusion_outcome_total", "What the chain has of our claims", [
      "supplier",
      "outcome",
    ]),
    claimBlocks: blocks(
      "claim_submission_latency_blocks",
      "Blocks from the claim window's opening to the broadcast",
    ),
    proofsSubmitted: counter("proofs_submitted_total", "Proofs broadcast", ["supplier"]),
    proofErrors: counter("proof_errors_total", "Proofs that could not be sent", ["supplier", "reason"]),
    proofsRequired: counter("proof_requirement_required_total", "Claims that need a proof", ["supplier"]),
    proofsNotRequired: counter("proof_requirement_skipped_total", "Claims that need no proof", ["supplier"]),
    proofOutcome: counter("proof_inclusion_outcome_total", "What the chain has of our proofs", [
      "supplier",
      "outcome",
    ]),
    proofBlocks: blocks(
      "proof_submission_latency_blocks",
      "Blocks from the proof window's opening to the broadcast",
    ),
    foreignRoots: counter(
      "foreign_claim_roots_total",
      "Claims on chain with another root than the sealed one",
      ["supplier"],
    ),
  };
}

function moneyCounters(registry: Registry) {
  const counter = counters(registry);
  return {
    relaysClaimed: counter("relays_claimed_total", "Leaves in claims seen on chain", ["supplier"]),
    upoktClaimed: counter("upokt_claimed_total", "Upokt of claims seen on chain", ["supplier"]),
    upoktEarned: counter("upokt_earned_total", "Upokt settled", ["supplier"]),
    upoktLost: counter("upokt_lost_total", "Upokt claimed and not settled", ["supplier", "reason"]),
    settledByStatus: counter("claims_settled_by_status_total", "Claims by outcome", ["supplier", "status"]),
    slashed: counter("supplier_slashed_total", "Slashes", ["supplier"]),
  };
}

export type MinerMetrics = ReturnType<typeof minerMetrics>;
