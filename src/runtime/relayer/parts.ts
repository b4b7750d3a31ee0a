import type { Clock } from "../../base/clock.ts";
import type { CloseStack } from "../../base/close-stack.ts";
import { toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { cacheMetrics } from "../cache/metrics.ts";
import { openChain } from "../cache/open-chain.ts";
import type { RelayerConfig } from "../config/relayer.ts";
import { openRedis, type RedisConnections } from "../redis/connect.ts";
import { redisKeys } from "../redis/keys.ts";
import { type Meter, type MeteredSession, openMeter } from "../redis/meter.ts";
import { serviceFactors } from "../redis/service-factors.ts";
import { supplierRecords } from "../redis/supplier-records.ts";
import { AnswerMemory } from "./backends/answer-limits.ts";
import type { Backend } from "./backends/backend.ts";
import { Shelf } from "./backends/shelf.ts";
import type { WebSocketBackend } from "./bridge/ends.ts";
import { Draining } from "./draining.ts";
import { Heights } from "./heights.ts";
import type { Serving } from "./live.ts";
import { gated } from "./log-gate.ts";
import type { RelayerMetrics } from "./metrics.ts";
import { observeReplays } from "./replays/metrics.ts";
import { Replays } from "./replays/replays.ts";
import { Sessions } from "./sessions.ts";
import { simulationMetrics } from "./simulation/metrics.ts";
import { openStore } from "./spool/open-store.ts";
import { Standings } from "./standings.ts";
import { decoder } from "./steps/decode.ts";
import { toldLimits } from "./steps/meter.ts";
import { OpenStreams } from "./steps/stream.ts";
import { webSocketLimits } from "./transports/websocket-end.ts";
import { openVerification } from "./verification.ts";
import { RelayWork } from "./work.ts";

type Given = {
  readonly config: RelayerConfig;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly spoolDirectories: readonly string[];
  readonly metrics: RelayerMetrics;
  readonly stop?: AbortSignal | undefined;
};

const BYTES_PER_MB = 1_048_576;

/** What the role consists of for as long as the process runs, whatever is reloaded. */
export type Parts = Awaited<ReturnType<typeof openParts>>;

/** Opened in order, and owned by `owned`. Throws AppErrors of Redis and chain. */
export async function openParts(given: Given, owned: CloseStack) {
  const { config, logger, clock, spoolDirectories, metrics } = given;
  const redis = owned.own(await openRedisOf(given));
  const keys = redisKeys(config.redis.namespace);
  const shared = { redis, keys, logger, clock };
  const heights = new Heights(clock);
  // Filled below: the chain's caches call back into the sessions prepared from them.
  const prepared: { sessions?: Sessions } = {};
  const chain = await openChain({
    ...shared,
    urls: config.pocket_node.query_node_rpc_url,
    chainId: config.pocket_node.chain_id,
    timeoutMs: config.pocket_node.query_timeout_seconds * 1000,
    owned,
    onDrop: () => prepared.sessions?.forget(),
    events: cacheMetrics(metrics.registry, logger),
  });
  const sessions = new Sessions({ chain: chain.data, clock, heights });
  prepared.sessions = sessions;
  heights.set(chain.height);
  owned.own({ close: chain.blocks.onBlock(({ height }) => heights.set(height)) });
  metrics.height.set(Number(heights.current));
  heights.onChange((height) => metrics.height.set(Number(height)));
  const ttlSeconds = Math.ceil(config.relay_meter.cache_ttl / 1000);
  const meter = openMeter({ ...shared, ttlSeconds });
  owned.own({ close: await meter.onEnd((session) => forgetMeter(meter, session, logger)) });
  const standings = new Standings({
    records: supplierRecords(shared),
    factors: serviceFactors(redis.commands, keys, clock),
    clock,
    logger,
  });
  const quietly = gated(logger, clock);
  const work = new RelayWork({ clock, logger: quietly, metrics, maxInFlight: config.relay.max_in_flight });
  return {
    ...shared,
    /** A log in which one message cannot drown the others. */
    quietly,
    metrics,
    chain,
    heights,
    sessions,
    decode: decoder(),
    meter,
    meterLimits: toldLimits(),
    replays: openReplays(config, heights, metrics),
    simulationMetrics: simulationMetrics(metrics.registry),
    standings: owned.own(standings),
    verifyPool: openVerification({ settings: config.relay, logger, clock, metrics, owned }),
    openStreams: new OpenStreams(metrics),
    store: await openStore({
      ...shared,
      logger: quietly,
      directories: spoolDirectories,
      maxBytes: config.relay.spool.max_mb * 1_048_576,
      chain: chain.data,
      heights,
      metrics,
      owned,
    }),
    webSocketLimits: webSocketLimits(config.relay.websocket, clock),
    work,
    ...sharedByReloads(config),
    draining: new Draining(),
  };
}

function openRedisOf({ config, logger, clock, stop }: Given): Promise<RedisConnections> {
  const wait = { forMs: config.relay.redis_wait, setting: "relay.redis_wait", signal: stop };
  return openRedis({ url: config.redis.url, logger, role: "relayer", clock, wait });
}

/** What several states of the configuration have together. */
const sharedByReloads = ({ relay }: RelayerConfig) => ({
  backends: new Shelf<Backend>(),
  webSockets: new Shelf<WebSocketBackend>(),
  answerMemory: new AnswerMemory(relay.backend_limits.max_buffered_mb * BYTES_PER_MB),
  /** What relays were served with before a reload, while some still are. */
  retired: new Set<Serving>(),
});

function openReplays({ relay }: RelayerConfig, heights: Heights, { registry }: RelayerMetrics): Replays {
  const replays = new Replays(relay);
  heights.onChange((height) => replays.reached(height));
  observeReplays(registry, () => replays.figures());
  return replays;
}

/** A miner says that the session takes no more relays: whoever hears it removes its counters, as Go's relayers do (relay-path 9.5). */
function forgetMeter(counters: Meter, session: MeteredSession, logger: Logger): void {
  counters.forget(session).catch((thrown) => {
    // They end by themselves, after their time to live.
    logger.debug({ session: session.sessionId, error: toError(thrown).message }, "a meter was not removed");
  });
}
