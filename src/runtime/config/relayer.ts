import { z } from "zod";
import { answerFields } from "./answers.ts";
import { BACKEND_KINDS, backend, HTTP_KINDS, websocketBackend } from "./backends.ts";
import { drainSchema } from "./drain.ts";
import {
  address,
  blankIsUnset,
  duration,
  loggingSchema,
  metricsSchema,
  natural,
  pocketNodeFields,
  positive,
  pprofSchema,
  redisFields,
  unused,
} from "./fields.ts";
import { grpcBackend } from "./grpc-backend.ts";
import { keysSchema } from "./keys.ts";
import { grpcWeb, limits, responseCompression, tls } from "./listener.ts";
import { type Loaded, loadYaml } from "./load.ts";
import { backendLimits, httpTransport, PROFILE_DECIDES, poolProfiles, timeoutProfiles } from "./profiles.ts";
import { redisWait } from "./redis-wait.ts";
import { replayFields } from "./replays.ts";
import { simulationSchema } from "./simulation.ts";
import { spoolSchema } from "./spool.ts";
import { streaming, streamLimits } from "./streaming.ts";
import { websocketSettings } from "./websocket.ts";

/** The relayer's YAML: the Go peer's keys (go-peers 2.2), then ours under `relay`. */

const validationMode = () => z.enum(["eager", "optimistic"]);

const service = () =>
  z.strictObject({
    validation_mode: blankIsUnset(validationMode().optional()),
    timeout_profile: blankIsUnset(z.string().default("fast")),
    pool_profile: blankIsUnset(z.string().optional()),
    max_body_size_bytes: blankIsUnset(positive().optional()),
    default_backend: blankIsUnset(z.enum(BACKEND_KINDS).default("jsonrpc")),
    streaming: streaming(),
    backends: z
      .strictObject({
        jsonrpc: backend().optional(),
        rest: backend().optional(),
        cometbft: backend().optional(),
        websocket: websocketBackend().optional(),
        grpc: grpcBackend().optional(),
      })
      .refine(
        (backends) => backends.websocket || backends.grpc || HTTP_KINDS.some((kind) => backends[kind]),
        {
          error: "at least one backend is needed",
        },
      ),
  });

const relayMeter = () =>
  z
    .strictObject({
      enabled: z.boolean().default(true),
      redis_key_prefix: unused(z.string(), "the meter uses redis.namespace, as the miner's clean-up does"),
      fail_behavior: z.enum(["open", "closed"]).default("open"),
      cache_ttl: duration().prefault("2h"),
    })
    .prefault({});

const cacheWarmup = () =>
  unused(
    z.looseObject({ enabled: z.boolean().optional() }),
    "a session is prepared when its first relay arrives",
  );

const verifyWorkers = () => z.union([z.enum(["auto"]), z.number().int().min(0).max(64)]);

const ourOwn = () =>
  z
    .strictObject({
      /** When the mined relay is stored: before the gateway is answered (nothing lost), or after (faster). */
      publish: z.enum(["before_reply", "after_reply"]).default("before_reply"),
      /** Name in heartbeats and acknowledgements; default relayer-<host>-<pid>. */
      instance_id: z.string().optional(),
      tls: tls(),
      limits: limits(),
      grpc_web: grpcWeb(),
      /** Requests in work at once; more are refused with 503. */
      max_in_flight: positive().default(2048),
      backend_limits: backendLimits(),
      streaming: streamLimits(),
      /** Whether keys that change on disk are taken without being told. */
      hot_reload_enabled: z.boolean().default(true),
      verify_workers: verifyWorkers().default("auto"),
      verify_queue: positive().max(65_536).default(4096),
      verify_tables_mb: z.number().int().min(16).max(4_000).default(256),
      verify_tables: z.enum(["auto", "full", "small"]).default("auto"),
      ...replayFields(),
      ...answerFields(),
      redis_wait: redisWait(),
      spool: spoolSchema(),
      websocket: websocketSettings(),
      drain: drainSchema(),
    })
    .refine(({ verify_tables, verify_tables_mb }) => verify_tables !== "full" || verify_tables_mb >= 64, {
      path: ["verify_tables"],
      error: "full tables need verify_tables_mb of 64 or more",
    })
    .prefault({});

export const relayerSchema = z
  .strictObject({
    listen_addr: address().default("0.0.0.0:8080"),
    redis: z.strictObject(redisFields()).prefault({}),
    pocket_node: z.strictObject(pocketNodeFields()),
    keys: keysSchema(),
    default_validation_mode: validationMode().default("optimistic"),
    default_request_timeout_seconds: unused(natural(), PROFILE_DECIDES),
    default_max_body_size_bytes: positive().default(10_485_760),
    services: z.record(z.string().regex(/^[A-Za-z0-9_-]{1,42}$/, { error: "not a service id" }), service()),
    metrics: metricsSchema("127.0.0.1:9090"),
    pprof: pprofSchema(),
    health_check: z
      .strictObject({ enabled: z.boolean().default(true), addr: address().default("0.0.0.0:8081") })
      .prefault({}),
    cache_warmup: cacheWarmup(),
    logging: loggingSchema(),
    relay_meter: relayMeter(),
    http_transport: httpTransport(),
    response_compression: responseCompression(),
    timeout_profiles: timeoutProfiles(),
    pool_profiles: poolProfiles(),
    simulation: simulationSchema(),
    grace_period_extra_blocks: unused(natural(), "the Go peer does not read it either"),
    relay: ourOwn(),
  })
  .superRefine((config, context) => {
    if (config.relay.replays === "fleet" && !config.relay_meter.enabled)
      context.addIssue({
        code: "custom",
        path: ["relay", "replays"],
        message: "fleet needs relay_meter.enabled: the meter's call to Redis remembers the relay",
      });
    if (Object.keys(config.services).length === 0)
      context.addIssue({ code: "custom", path: ["services"], message: "at least one service is needed" });
    for (const [id, service] of Object.entries(config.services)) {
      const { timeout_profile, pool_profile, default_backend, backends, streaming } = service;
      const issue = (key: string, message: string) =>
        context.addIssue({ code: "custom", path: ["services", id, key], message });
      if (!config.timeout_profiles[timeout_profile])
        issue("timeout_profile", `no timeout profile "${timeout_profile}"`);
      if (!config.timeout_profiles[streaming.timeout_profile])
        issue("streaming", `no timeout profile "${streaming.timeout_profile}"`);
      if (pool_profile && !config.pool_profiles[pool_profile])
        issue("pool_profile", `no pool profile "${pool_profile}"`);
      // Nobody needs to write the default: without that backend a relay that names none is refused.
      if (default_backend !== "jsonrpc" && !backends[default_backend])
        issue("backends", `default_backend ${default_backend} has no entry`);
    }
  });

export type RelayerConfig = z.output<typeof relayerSchema>;
export type ServiceConfig = RelayerConfig["services"][string];

export const loadRelayerConfig = (path: string): Loaded<RelayerConfig> => loadYaml(path, relayerSchema);
