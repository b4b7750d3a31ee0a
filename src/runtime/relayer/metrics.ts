import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { nodeMetrics } from "../ops/node-metrics.ts";
import { TallyCounter, TallyHistogram } from "../ops/tallies.ts";
import { backendMetrics } from "./backends/metrics.ts";
import { webSocketMetrics } from "./bridge/metrics.ts";
import type { LoopDelays } from "./loop-delay.ts";
import type { VerifyFigures } from "./verify-pool/job.ts";

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const JOBS = [1, 2, 4, 8, 16, 32];
const BYTES = [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216];

/** The Go peer's names and labels (go-peers 2.6), so that its dashboards and alerts go on working. Labels are bounded: never a session or an address of a client. */
export function relayerMetrics() {
  const registry = new Registry();
  nodeMetrics(registry);
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new TallyCounter({ name: `ha_relayer_${name}`, help, labelNames, registers: [registry] });
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: `ha_relayer_${name}`, help, labelNames, registers: [registry] });
  const observer: { served: (seconds: number) => void; refused: (reason: string) => void } = {
    served: () => undefined,
    refused: () => undefined,
  };
  return {
    registry,
    /** Who else hears of each relay (the heartbeat's figures). */
    observer,
    received: counter("relays_received_total", "Relays that named a service", ["service_id", "rpc_type"]),
    served: counter("relays_served_total", "Relays answered with a signed response", [
      "service_id",
      "rpc_type",
      "status_code",
    ]),
    rejected: counter("relays_rejected_total", "Relays refused, by reason", [
      "service_id",
      "rpc_type",
      "reason",
    ]),
    dropped: counter("relays_dropped_total", "Relays served and not mined, by reason", [
      "service_id",
      "reason",
    ]),
    published: counter("relays_published_total", "Relays stored for the miner", ["service_id", "supplier"]),
    skipped: counter("relays_skipped_difficulty_total", "Relays above the difficulty target", ["service_id"]),
    optimistic: counter("relays_served_optimistically_total", "Relays served before validation", [
      "service_id",
      "rpc_type",
    ]),
    undeclared: counter("undeclared_transport_served_total", "Relays of an rpc type that is not staked", [
      "service_id",
      "rpc_type",
    ]),
    validationFailures: counter("validation_failures_total", "Relays that failed validation", [
      "service_id",
      "reason",
    ]),
    backendRequests: counter("backend_requests_total", "Requests to backends", [
      "service_id",
      "outcome",
      "status_code",
    ]),
    meterConsumptions: counter("relay_meter_consumptions_total", "Meter decisions", ["service_id", "result"]),
    meterErrors: counter("relay_meter_redis_errors_total", "Meter calls that Redis did not answer", [
      "operation",
    ]),
    ...distributions(registry),
    listener: listener(registry),
    backends: backendMetrics(registry),
    streams: streams(registry),
    verification: verification(registry),
    spool: spoolCounters(counter),
    webSocket: webSocketMetrics(registry),
    inWork: inWork(registry),
    height: gauge("current_block_height", "Height this relayer works at"),
  };
}

/** A plain number, read when it is asked for: every relay changes it twice. */
function inWork(registry: Registry): { relays: number } {
  const now = { relays: 0 };
  new Gauge({
    name: "ha_relayer_active_connections",
    help: "Relays in work",
    registers: [registry],
    collect() {
      this.set(now.relays);
    },
  });
  return now;
}

/** Relays that Redis could not take. What of them is lost is counted as dropped. */
const spoolCounters = (counter: (name: string, help: string) => TallyCounter<string>) => ({
  spooled: counter("relays_spooled_total", "Relays kept on disk while Redis took none"),
  replayed: counter("relays_replayed_total", "Relays from disk that Redis has taken"),
  refused: counter("spool_refused_total", "Relays that the disk did not take either"),
  republished: counter(
    "relays_republished_total",
    "Relays published once more because Redis was restarted just after it took them",
  ),
});

function distributions(registry: Registry) {
  const histogram = (name: string, help: string, labelNames: string[], buckets = SECONDS) =>
    new TallyHistogram({ name: `ha_relayer_${name}`, help, labelNames, buckets, registers: [registry] });
  return {
    latency: histogram("relay_latency_seconds", "From request to answer", ["service_id", "rpc_type"]),
    backendLatency: histogram("backend_latency_seconds", "Backend time", ["service_id", "outcome"]),
    validationLatency: histogram("validation_latency_seconds", "Session and ring check", [
      "service_id",
      "mode",
    ]),
    meterLatency: histogram("relay_meter_latency_seconds", "Meter time", ["service_id", "mode"]),
    requestBytes: histogram("request_body_size_bytes", "Relay request size", ["service_id"], BYTES),
    responseBytes: histogram("response_body_size_bytes", "Relay response size", ["service_id"], BYTES),
  };
}

/** Answers that come as streams; a stream is one relay, counted among the others when it is whole. */
function streams(registry: Registry) {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name: `ha_relayer_${name}`, help, labelNames, registers });
  return {
    served: counter("streaming_relays_served_total", "Streams that came to their end", ["service_id"]),
    brokenOff: counter("streaming_relays_broken_off_total", "Streams that broke off and were not mined", [
      "service_id",
      "reason",
    ]),
    batches: counter("streaming_batches_signed_total", "Signed batches of streams", ["service_id"]),
    bytes: counter("streaming_bytes_forwarded_total", "Bytes of signed batches", ["service_id"]),
    open: new Gauge({ name: "ha_relayer_streaming_open", help: "Streams in work", registers }),
  };
}

/** The relay port (go-peers T16). Requests are plain numbers, read when they are asked for: every relay counts one. */
function listener(registry: Registry) {
  const registers = [registry];
  const requests = { http1: 0, https1: 0, h2c: 0, h2: 0, grpc: 0, grpc_web: 0 };
  new Counter({
    name: "ha_relayer_inbound_requests_total",
    help: "Requests on the relay port, by what carried them; https1 and h2 are with TLS",
    labelNames: ["protocol"],
    registers,
    collect() {
      this.reset();
      for (const [protocol, total] of Object.entries(requests)) this.inc({ protocol }, total);
    },
  });
  return {
    requests,
    refused: new Counter({
      name: "ha_relayer_connections_refused_total",
      help: "Connections closed at once, by the limit that was reached",
      labelNames: ["reason"],
      registers,
    }),
    closed: new Counter({
      name: "ha_relayer_connections_closed_total",
      help: "Connections or streams closed for what they sent or did not read, by reason",
      labelNames: ["reason"],
      registers,
    }),
  };
}

export type ListenerMetrics = ReturnType<typeof listener>;

/** Ring signatures. Label children are bound here, once. */
function verification(registry: Registry) {
  const registers = [registry];
  const verified = new Counter({
    name: "ha_relayer_verified_total",
    help: "Ring signatures judged, by place: inline is the main thread",
    labelNames: ["place"],
    registers,
  });
  const refused = new Counter({
    name: "ha_relayer_verify_refused_total",
    help: "Ring signatures not judged, by reason: the queue is full, or it was their turn too late",
    labelNames: ["reason"],
    registers,
  });
  const batch = new Histogram({
    name: "ha_relayer_verify_batch_size",
    help: "Ring signatures verified at once (inline) or sent to a worker at once",
    labelNames: ["place"],
    buckets: JOBS,
    registers,
  });
  return {
    verifiedHere: verified.labels("inline"),
    verifiedByWorkers: verified.labels("worker"),
    refusedFull: refused.labels("queue_full"),
    refusedLate: refused.labels("late"),
    refusedStrangers: refused.labels("strangers"),
    batchHere: batch.labels("inline"),
    batchOfWorker: batch.labels("worker"),
    wait: new Histogram({
      name: "ha_relayer_verify_wait_seconds",
      help: "Time in the queue, of the signature in each batch that waited longest",
      buckets: SECONDS,
      registers,
    }),
    workerRestarts: new Counter({
      name: "ha_relayer_verify_worker_restarts_total",
      help: "Verification workers that ended by themselves",
      registers,
    }),
  };
}

export type VerificationMetrics = ReturnType<typeof verification>;

type Observed = {
  readonly registry: Registry;
  readonly verify: () => VerifyFigures;
  /** Since the last call. */
  readonly loopDelay: () => LoopDelays;
  /** What verifies and what signs. */
  readonly verifier: string;
  readonly signer: string;
};

/** Figures that are looked up when they are asked for, and cost nothing before. */
export function observe({ registry, verify, loopDelay, verifier, signer }: Observed): void {
  const gauge = (name: string, help: string, labels: string[], collect: (gauge: Gauge) => void) =>
    new Gauge({
      name: `ha_relayer_${name}`,
      help,
      labelNames: labels,
      registers: [registry],
      collect() {
        collect(this);
      },
    });
  gauge("verify_queue_length", "Ring signatures that wait", [], (self) => self.set(verify().waiting));
  gauge("verify_tables", "Tables of keys, by place", ["place"], (self) => {
    const { inline, workers } = verify();
    self.set({ place: "inline" }, inline.tables);
    self.set({ place: "worker" }, workers.tables);
  });
  gauge("verify_table_bytes", "Memory of the tables, by place", ["place"], (self) => {
    const { inline, workers } = verify();
    self.set({ place: "inline" }, inline.bytes);
    self.set({ place: "worker" }, workers.bytes);
  });
  gauge("event_loop_delay_seconds", "Delay of the event loop since the last scrape", ["quantile"], (self) => {
    for (const [quantile, seconds] of Object.entries(loopDelay())) self.set({ quantile }, seconds);
  });
  gauge(
    "ring_verifier_info",
    "What verifies ring signatures and what signs answers",
    ["verifier", "signer"],
    (self) => self.set({ verifier, signer }, 1),
  );
  const counter = (name: string, help: string, total: () => number) =>
    new Counter({
      name: `ha_relayer_${name}`,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(total());
      },
    });
  counter("verify_slow_total", "Ring signatures that the slow verifier judged", () => verify().slow);
  counter(
    "verify_slow_refused_total",
    "Ring signatures refused because their application, or all together, had too many special cases",
    () => verify().slowRefused,
  );
}

type AtRisk = {
  readonly relays: number;
  readonly bytes: number;
  readonly oldestMs: number;
  readonly state: "direct" | "away";
};

/** What is on this disk only; looked up when it is asked for. */
export function observeSpool(registry: Registry, figures: () => AtRisk): void {
  const gauge = (name: string, help: string, value: (figures: AtRisk) => number) =>
    new Gauge({
      name: `ha_relayer_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(value(figures()));
      },
    });
  gauge("relays_at_risk", "Relays that are on this disk and not in Redis", ({ relays }) => relays);
  gauge("relays_at_risk_bytes", "Bytes of the relays that are not in Redis", ({ bytes }) => bytes);
  gauge(
    "relays_at_risk_oldest_seconds",
    "Age of the oldest relay that is not in Redis",
    ({ oldestMs }) => oldestMs / 1000,
  );
  gauge("spooling", "1 while Redis takes no relays", ({ state }) => (state === "away" ? 1 : 0));
}

export type RelayerMetrics = ReturnType<typeof relayerMetrics>;
