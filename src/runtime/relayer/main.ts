import { hostname } from "node:os";
import type { Clock } from "../../base/clock.ts";
import { type Closable, CloseStack, closeAll } from "../../base/close-stack.ts";
import type { Logger } from "../../base/logger.ts";
import { hostAndPort } from "../config/fields.ts";
import type { RelayerConfig } from "../config/relayer.ts";
import { loadKeys, type PasswordSource } from "../keys/load-keys.ts";
import { tellNotes } from "../keys/notes.ts";
import { healthRoutes, metricsRoute, openOpsServer, readyRoute } from "../ops/http-server.ts";
import type { LogLevel } from "../ops/logger.ts";
import { keepBeating } from "../redis/beating.ts";
import { heartbeats } from "../redis/heartbeat.ts";
import type { ReloadReport } from "../reload/reloads.ts";
import { observeBackends } from "./backends/metrics.ts";
import { type Readiness, readinessOf } from "./backends/readiness.ts";
import { drain } from "./draining.ts";
import { Live } from "./live.ts";
import { type RelayerMetrics, relayerMetrics } from "./metrics.ts";
import { obeyCommands } from "./obey.ts";
import { openParts, type Parts } from "./parts.ts";
import { Recent } from "./recent.ts";
import { openReloads, watchRelayerKeys } from "./reload.ts";
import { largestBody, openServing } from "./serving.ts";
import { snapshot } from "./snapshot.ts";
import { type Listener, openListener } from "./transports/listener.ts";
import type { Upgrade } from "./transports/websocket.ts";
import { openWebSockets } from "./websockets.ts";

export type StartRelayer = {
  readonly config: RelayerConfig;
  readonly version: string;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Where relays may be kept on disk while Redis is away, the best place first; none for no spool. */
  readonly spoolDirectories: readonly string[];
  /** For a keyring whose password is in no file. */
  readonly passwords?: PasswordSource;
  /** Reads and checks the configuration again, for a reload. */
  readonly reread?: () => RelayerConfig;
  readonly setLogLevel?: (level: LogLevel) => void;
  /** One of several processes, of which the first one has the operator's listeners. */
  readonly supervised?: boolean;
  /** Ends a start that waits for Redis: it throws what it waited for. */
  readonly stop?: AbortSignal;
};

export type Relayer = Closable & {
  readonly id: string;
  readonly port: number;
  /** Whether a load balancer should send relays here. */
  isReady(): boolean;
  /** The same for one service's relays; undefined when it is not served. */
  readiness(service: string): Readiness | undefined;
  readonly registry: RelayerMetrics["registry"];
  /** Takes configuration and keys anew; `why` is for the log. Throws what Reloads.reload throws, and nothing has changed then. */
  reload(why: string): Promise<ReloadReport>;
  /** Aborted when an operator's command asks for a drain. */
  readonly drainAsked: AbortSignal;
  /** Finishes what is in work (draining.ts), then closes. `delayMs`: how long to serve on while not ready; the configuration's if not given. */
  drain(delayMs?: number): Promise<void>;
};

/**
 * Starts a relayer; it is serving when this resolves. While Redis is away it waits (`relay.redis_wait`), and the operator's listeners say
 * that it is not ready. What was opened before a failure is closed again.
 */
export async function startRelayer(given: StartRelayer): Promise<Relayer> {
  const owned = new CloseStack();
  try {
    return await start(given, owned);
  } catch (thrown) {
    await owned.close().catch(() => undefined);
    throw thrown;
  }
}

/** The operator's listeners, parts that stay, what relays are served with, the relay port, the heartbeat: in this order. */
async function start(given: StartRelayer, owned: CloseStack): Promise<Relayer> {
  const { config, version, logger, clock } = given;
  const id = config.relay.instance_id ?? `relayer-${hostname()}-${process.pid}`;
  const loaded = await loadKeys(config.keys, given.passwords);
  tellNotes(loaded, config.keys, logger);
  const keyRing = loaded.ring;
  const metrics = relayerMetrics();
  const known: Known = {};
  if (!given.supervised) await openOperatorListeners(config, metrics, known, owned);
  const parts = await openParts({ ...given, metrics }, owned);
  const live = new Live(openServing(parts, { config, keyRing }));
  owned.own({ close: () => closeAll([live.current, ...parts.retired]) });
  await parts.standings.start({ suppliers: keyRing.addresses(), services: Object.keys(config.services) });
  const webSockets = openWebSockets(config.relay.websocket, parts, live);
  const transport = owned.own(await openTransport(config, parts, { live, upgrade: webSockets.upgrade }));
  owned.own(webSockets);
  observeBackends(metrics.registry, () => live.current.services.values());
  known.serving = { parts, live };
  const recent = new Recent(parts.metrics, clock);
  owned.own(
    await keepBeating({
      heartbeats: heartbeats(parts.redis.commands, parts.keys),
      clock,
      logger,
      id,
      role: "relayer",
      version,
      details: () => snapshot({ ...parts, ...live.current, recent, port: transport.address.port }),
    }),
  );
  const reloads = openReloads(parts, live, given);
  if (config.relay.hot_reload_enabled) owned.own(watchRelayerKeys(parts, live, reloads));
  await obeyCommands(id, { ...parts, reloads, owned });
  const { address, port } = transport.address;
  logger.info({ id, address, port, suppliers: keyRing.addresses() }, "relayer is serving");
  return {
    id,
    port,
    reload: (why) => reloads.reload(why),
    close: () => owned.close(),
    isReady: () => isReady(parts),
    readiness: (service) => readiness(service, parts, live),
    registry: parts.metrics.registry,
    drainAsked: parts.draining.asked,
    drain: async (delayMs) => {
      const { delay, timeout } = live.current.config.relay.drain;
      await drain(parts, [transport, webSockets], { delay: delayMs ?? delay, timeout });
      await owned.close();
    },
  };
}

function openTransport(
  config: RelayerConfig,
  parts: Parts,
  { live, upgrade }: { readonly live: Live; readonly upgrade: Upgrade },
): Promise<Listener> {
  return openListener({
    ...hostAndPort(config.listen_addr),
    clock: parts.clock,
    logger: parts.logger,
    metrics: parts.metrics.listener,
    tls: config.relay.tls,
    limits: config.relay.limits,
    compression: config.response_compression,
    origins: config.relay.grpc_web.allowed_origins,
    maxBodyBytes: largestBody(config),
    handle: (exchange) => live.current.pipeline.serve(exchange),
    refused: (reject) => parts.work.refusedUnread(reject),
    upgrade,
    health: {
      status: () => ({ ready: isReady(parts), blockHeight: parts.heights.current }),
      readiness: (service) => readiness(service, parts, live),
    },
  });
}

/** What the operator's listeners tell of: nothing until the relay port is open. */
type Known = { serving?: { readonly parts: Parts; readonly live: Live } };

/** Whether a load balancer should send a service's relays here; undefined when it is not served. */
function readiness(service: string, { heights, work }: Parts, live: Live): Readiness | undefined {
  const routes = live.current.services.get(service);
  if (routes === undefined) return undefined;
  const told = readinessOf(routes, heights.current);
  return { ...told, ready: told.ready && work.serving };
}

/** Whether a load balancer should send relays here. */
const isReady = ({ heights, work, store }: Parts): boolean =>
  heights.current > 0n && work.serving && store.canTake;

async function openOperatorListeners(
  config: RelayerConfig,
  { registry }: RelayerMetrics,
  known: Known,
  owned: CloseStack,
): Promise<void> {
  const starting = (service: string) =>
    Object.hasOwn(config.services, service) ? { service_id: service, ready: false } : undefined;
  if (config.metrics.enabled)
    owned.own(
      await openOpsServer({
        name: "metrics",
        ...hostAndPort(config.metrics.addr),
        routes: [metricsRoute(registry)],
      }),
    );
  if (config.health_check.enabled)
    owned.own(
      await openOpsServer({
        name: "health_check",
        ...hostAndPort(config.health_check.addr),
        routes: [
          ...healthRoutes(() => known.serving !== undefined && isReady(known.serving.parts)),
          readyRoute((service) =>
            known.serving === undefined
              ? starting(service)
              : readiness(service, known.serving.parts, known.serving.live),
          ),
        ],
      }),
    );
}
