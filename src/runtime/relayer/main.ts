import { hostname } from "node:os";
import type { Clock } from "../../base/clock.ts";
import { type Closable, CloseStack } from "../../base/close-stack.ts";
import { toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { cacheMetrics } from "../cache/metrics.ts";
import { type ChainAccess, openChain } from "../cache/open-chain.ts";
import { hostAndPort } from "../config/fields.ts";
import type { RelayerConfig } from "../config/relayer.ts";
import { type KeyRing, loadKeys } from "../keys/key-ring.ts";
import { healthRoutes, metricsRoute, openOpsServer } from "../ops/http-server.ts";
import { keepBeating } from "../redis/beating.ts";
import { openRedis, type RedisConnections } from "../redis/connect.ts";
import { heartbeats } from "../redis/heartbeat.ts";
import { type Keys, redisKeys } from "../redis/keys.ts";
import { type Meter, type MeteredSession, openMeter } from "../redis/meter.ts";
import { relayPublisher } from "../redis/relay-stream.ts";
import { serviceFactors } from "../redis/service-factors.ts";
import { supplierRecords } from "../redis/supplier-records.ts";
import { serviceRoutes } from "./backends/service-routes.ts";
import { Heights } from "./heights.ts";
import { gated } from "./log-gate.ts";
import { type RelayerMetrics, relayerMetrics } from "./metrics.ts";
import { obeyCommands } from "./obey.ts";
import { Recent } from "./recent.ts";
import { RelayPipeline, type Steps } from "./relay.ts";
import { Sessions } from "./sessions.ts";
import { snapshot } from "./snapshot.ts";
import { Standings } from "./standings.ts";
import { admit, type ServiceRoutes } from "./steps/admit.ts";
import { decoder } from "./steps/decode.ts";
import { forward } from "./steps/forward.ts";
import { meter, toldLimits } from "./steps/meter.ts";
import { publish } from "./steps/publish.ts";
import { sign } from "./steps/sign.ts";
import { verify } from "./steps/verify.ts";
import { type HttpTransport, openHttpTransport } from "./transports/http.ts";
import { openVerification } from "./verification.ts";
import type { VerifyPool } from "./verify-pool/pool.ts";
import { RelayWork } from "./work.ts";

export type StartRelayer = {
  readonly config: RelayerConfig;
  readonly version: string;
  readonly logger: Logger;
  readonly clock: Clock;
};

export type Relayer = Closable & {
  readonly id: string;
  readonly port: number;
  /** Refuses new relays, waits until those in work are stored, then closes. */
  drain(): Promise<void>;
};

/** Relays in work may take as long as a backend may; after this the process ends anyway. */
const DRAIN_MS = 60_000;
/** For the last answers to leave the process. */
const FLUSH_MS = 5_000;

/** Everything the role consists of, opened in order and owned here. Throws AppErrors of keys, Redis, chain, listeners. */
type Parts = {
  readonly redis: RedisConnections;
  readonly keys: Keys;
  readonly keyRing: KeyRing;
  readonly chain: ChainAccess;
  readonly heights: Heights;
  readonly sessions: Sessions;
  readonly standings: Standings;
  readonly services: ReadonlyMap<string, ServiceRoutes>;
  readonly metrics: RelayerMetrics;
  readonly counters: Meter;
  readonly verifyPool: VerifyPool;
  readonly work: RelayWork;
  /** A log in which one message cannot drown the others. */
  readonly quietly: Logger;
};

/** A miner says that the session takes no more relays: whoever hears it removes its counters, as Go's relayers do (relay-path 9.5). */
function forgetMeter(counters: Meter, session: MeteredSession, logger: Logger): void {
  counters.forget(session).catch((thrown) => {
    // They end by themselves, after their time to live.
    logger.debug({ session: session.sessionId, error: toError(thrown).message }, "a meter was not removed");
  });
}

/** Starts a relayer; it is serving when this resolves. What was opened before a failure is closed again. */
export async function startRelayer(given: StartRelayer): Promise<Relayer> {
  const owned = new CloseStack();
  try {
    return await start(given, owned);
  } catch (thrown) {
    await owned.close().catch(() => undefined);
    throw thrown;
  }
}

async function start(given: StartRelayer, owned: CloseStack): Promise<Relayer> {
  const { config, version, logger, clock } = given;
  const id = config.relay.instance_id ?? `relayer-${hostname()}-${process.pid}`;
  const parts = await openParts(given, owned);
  const { work } = parts;
  const transport = owned.own(await openTransport(given, parts, openPipeline(given, parts)));
  await openOperatorListeners(config, parts, owned);
  const recent = new Recent(parts.metrics, clock);
  owned.own(
    await keepBeating({
      heartbeats: heartbeats(parts.redis.commands, parts.keys),
      clock,
      logger,
      id,
      role: "relayer",
      version,
      details: () => snapshot({ ...parts, recent, port: transport.address.port }),
    }),
  );
  await obeyCommands(id, { ...parts, logger, owned });
  const { address, port } = transport.address;
  logger.info({ id, address, port, suppliers: parts.keyRing.addresses() }, "relayer is serving");
  return {
    id,
    port,
    close: () => owned.close(),
    drain: async () => {
      work.drain();
      transport.stopAccepting();
      const deadline = clock.monotonic() + DRAIN_MS;
      while (work.inFlight > 0 && clock.monotonic() < deadline) await clock.sleep(20);
      await transport.idle(FLUSH_MS);
      await owned.close();
    },
  };
}

async function openParts({ config, logger, clock }: StartRelayer, owned: CloseStack): Promise<Parts> {
  const keyRing = loadKeys(config.keys);
  const redis = owned.own(await openRedis({ url: config.redis.url, logger, role: "relayer" }));
  const keys = redisKeys(config.redis.namespace);
  const metrics = relayerMetrics();
  const heights = new Heights(clock);
  // Filled below: the chain's caches call back into the sessions prepared from them.
  const prepared: { sessions?: Sessions } = {};
  const chain = await openChain({
    urls: config.pocket_node.query_node_rpc_url,
    chainId: config.pocket_node.chain_id,
    timeoutMs: config.pocket_node.query_timeout_seconds * 1000,
    redis,
    keys,
    logger,
    clock,
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
  const services = serviceRoutes(config, clock, owned);
  const standings = owned.own(
    new Standings({
      suppliers: keyRing.addresses(),
      services: [...services.keys()],
      records: supplierRecords({ redis, keys, logger }),
      factors: serviceFactors(redis.commands, keys, clock),
      clock,
      logger,
    }),
  );
  await standings.start();
  const ttlSeconds = Math.ceil(config.relay_meter.cache_ttl / 1000);
  const counters = openMeter({ redis, keys, clock, ttlSeconds });
  owned.own({ close: await counters.onEnd((session) => forgetMeter(counters, session, logger)) });
  const verifyPool = openVerification({ settings: config.relay, logger, clock, metrics, owned });
  const quietly = gated(logger, clock);
  const work = new RelayWork({ clock, logger: quietly, metrics, maxInFlight: config.relay.max_in_flight });
  return {
    redis,
    keys,
    keyRing,
    chain,
    heights,
    sessions,
    standings,
    services,
    metrics,
    counters,
    verifyPool,
    work,
    quietly,
  };
}

function openPipeline({ config, clock }: StartRelayer, parts: Parts): RelayPipeline {
  const {
    redis,
    keys,
    keyRing,
    chain,
    heights,
    sessions,
    standings,
    services,
    metrics,
    counters,
    verifyPool,
    work,
    quietly,
  } = parts;
  const publisher = relayPublisher(redis.commands, keys);
  const metering = {
    meter: counters,
    limits: toldLimits(),
    logger: quietly,
    chain: chain.data,
    heights,
    clock,
    metrics,
    factor: standings.factor,
    failBehavior: config.relay_meter.fail_behavior,
  };
  const admission = { services, keys: keyRing, standing: standings.standing, height: () => heights.current };
  const steps: Steps = {
    decode: decoder(),
    admit: (relay, exchange) => admit(relay, exchange.rpcType, exchange.body.length, admission),
    verify: (relay) => verify(relay, { sessions, heights, verifyRing: verifyPool.verify }),
    meter: config.relay_meter.enabled
      ? (relay, session) => meter(relay, session, metering)
      : async () => ({ refund: async () => undefined }),
    forward: (relay, admitted, exchange) => forward(relay, admitted, exchange, { metrics, clock }),
    sign: (relay, payload) => sign(relay, payload, keyRing),
    publish: (relay, session, signed) =>
      publish(relay, session, signed, { publisher, heights, clock, metrics }),
  };
  return new RelayPipeline({
    steps,
    work,
    metrics,
    publishBeforeReply: config.relay.publish === "before_reply",
  });
}

function openTransport(
  { config, clock }: StartRelayer,
  { heights, services, work }: Parts,
  pipeline: RelayPipeline,
): Promise<HttpTransport> {
  return openHttpTransport({
    ...hostAndPort(config.listen_addr),
    clock,
    maxBodyBytes: Math.max(
      config.default_max_body_size_bytes,
      ...[...services.values()].map(({ maxBodyBytes }) => maxBodyBytes),
    ),
    handle: (exchange) => pipeline.serve(exchange),
    refused: (reject) => work.refusedUnread(reject),
    health: {
      status: () => ({ ready: isReady(heights, work), blockHeight: heights.current }),
      backendsOf: (service) => {
        const routes = services.get(service);
        return (
          routes &&
          Object.fromEntries(Object.entries(routes.pools).map(([kind, pool]) => [kind, pool.endpoints]))
        );
      },
    },
  });
}

/** Whether a load balancer should send relays here. */
const isReady = (heights: Heights, work: RelayWork): boolean => heights.current > 0n && !work.draining;

async function openOperatorListeners(
  config: RelayerConfig,
  { metrics, heights, work }: Parts,
  owned: CloseStack,
) {
  if (config.metrics.enabled)
    owned.own(
      await openOpsServer({
        name: "metrics",
        ...hostAndPort(config.metrics.addr),
        routes: [metricsRoute(metrics.registry)],
      }),
    );
  if (config.health_check.enabled)
    owned.own(
      await openOpsServer({
        name: "health_check",
        ...hostAndPort(config.health_check.addr),
        routes: healthRoutes(() => isReady(heights, work)),
      }),
    );
}
