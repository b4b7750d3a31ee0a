import { z } from "zod";
import {
  blankIsUnset,
  duration,
  loggingSchema,
  metricsSchema,
  natural,
  notYet,
  pocketNodeFields,
  positive,
  pprofSchema,
  redisFields,
  unused,
} from "./fields.ts";
import { keysSchema } from "./keys.ts";
import { type Loaded, loadYaml } from "./load.ts";
import { redisWait } from "./redis-wait.ts";

/** The miner's YAML: the Go peer's keys (go-peers 2.3, mining-path appendix C), then ours under `miner`. */

/** Gas price as text: exact decimal arithmetic, never a float. */
const gasPrice = () =>
  z.string().regex(/^\d+(\.\d+)?upokt$/, { error: 'expected an amount such as "0.000001upokt"' });

const transaction = () =>
  z
    .strictObject({
      gas_limit: natural().default(0),
      gas_price: gasPrice().default("0.000001upokt"),
      gas_adjustment: z.number().min(1).default(1.7),
      disable_claim_batching: z.boolean().default(false),
      disable_proof_batching: z.boolean().default(false),
      disable_pre_proof_claim_verification: notYet(
        z.boolean(),
        "proving without looking at the claim first",
        [false],
      ),
      disable_inclusion_reconciler: notYet(z.boolean(), "a miner that does not look at what the chain has", [
        false,
      ]),
      inclusion_reconciler_max_concurrent: unused(natural(), "claims are read per supplier, once a block"),
      inclusion_reconciler_per_group_timeout_ms: unused(
        natural(),
        "pocket_node.query_timeout_seconds bounds each read",
      ),
      max_rebroadcasts: natural().default(1),
      rebroadcast_safety_blocks: unused(
        natural(),
        "the last sending is in the block before the window's last one",
      ),
      tx_timeout_min_seconds: positive().default(120),
      tx_timeout_max_seconds: positive().max(599).default(590),
      tx_timeout_default_seconds: positive().default(120),
      tx_timeout_clock_skew_buffer_seconds: natural().default(60),
    })
    .prefault({});

/** Shorter than the Go peer's 90 s and 30 s: writes are fenced by the lease's epoch, so a takeover may be quick. */
const leases = () =>
  z
    .strictObject({
      claim_ttl_seconds: positive().default(6),
      renew_rate_seconds: positive().default(2),
      rebalance_interval_seconds: unused(natural(), "suppliers are shared out at every renewal"),
    })
    .refine((given) => given.renew_rate_seconds < given.claim_ttl_seconds, {
      error: "renew_rate_seconds must be below claim_ttl_seconds",
    })
    .prefault({});

const leaderElection = () =>
  z
    .strictObject({
      leader_ttl_seconds: positive().default(6),
      heartbeat_rate_seconds: positive().default(2),
    })
    .refine((given) => given.heartbeat_rate_seconds < given.leader_ttl_seconds, {
      error: "heartbeat_rate_seconds must be below leader_ttl_seconds",
    })
    .prefault({});

/** Go reads a bare 0 as a duration, too. */
const durationOrZero = () => z.union([duration(), z.literal(0)]);

const POOLS = "a supplier's work is done one thing at a time";

const ourOwn = () =>
  z
    .strictObject({
      /** How many relays one batch applies to a trie at most: Redis does nothing else for some 30 us a relay. */
      apply_batch: positive().max(5000).default(500),
      /** What the tries of open sessions may take up together. */
      trie_memory_mb: positive().default(1024),
      /** Transactions that are simulated and sent at once, over all suppliers; the one whose window closes first is next. */
      transactions_at_once: positive().max(256).default(8),
      /** Where a sealed trie whose session has settled goes: nowhere. Kept this long for a look back. */
      settled_record_ttl: duration().prefault("24h"),
      redis_wait: redisWait(),
    })
    .prefault({});

export const minerSchema = z
  .strictObject({
    redis: z
      .strictObject({
        ...redisFields(),
        consumer_name: blankIsUnset(z.string().optional()),
        claim_idle_timeout_ms: positive().default(60_000),
      })
      .prefault({}),
    pocket_node: z.strictObject(pocketNodeFields()),
    keys: keysSchema(),
    transaction: transaction(),
    block_time_seconds: unused(z.number().positive(), "block times are measured"),
    batch_size: positive().max(10_000).default(1000),
    ack_batch_size: unused(natural(), "a batch is acknowledged when it is applied"),
    deduplication_ttl_blocks: unused(natural(), "the trie itself makes applying idempotent"),
    hot_reload_enabled: z.boolean().default(true),
    session_ttl: unused(durationOrZero(), "an open session does not expire"),
    cache_ttl: unused(durationOrZero(), "what has no open end in Redis has a life of its own"),
    submission_tracking_ttl: duration().prefault("24h"),
    smst_live_root_checkpoint_interval: unused(natural(), "every applied batch is a checkpoint"),
    supplier_reconcile_interval_seconds: z.number().int().default(60),
    known_applications: unused(z.array(z.string()), "an application is read when its first relay arrives"),
    default_service_factor: z.number().nonnegative().default(0),
    service_factors: z.record(z.string(), z.number().nonnegative()).default({}),
    leader_election: leaderElection(),
    supplier_claiming: leases(),
    session_lifecycle: z
      .strictObject({
        max_concurrent_transitions: unused(
          natural(),
          "each supplier is looked at once per block, one at a time within itself",
        ),
      })
      .prefault({}),
    worker_pools: unused(z.looseObject({}), POOLS),
    balance_monitor: unused(z.looseObject({}), "balances are not watched yet"),
    block_health_monitor: unused(z.looseObject({}), "block intervals are not watched yet"),
    settlement_monitor: unused(z.looseObject({}), "settlements are always followed"),
    metrics: metricsSchema("127.0.0.1:9092"),
    pprof: pprofSchema(),
    logging: loggingSchema(),
    suppliers: unused(z.unknown(), "suppliers are found by their keys"),
    miner: ourOwn(),
  })
  .superRefine((config, context) => {
    if (config.transaction.tx_timeout_min_seconds > config.transaction.tx_timeout_max_seconds)
      context.addIssue({
        code: "custom",
        path: ["transaction"],
        message: "tx_timeout_min_seconds is above tx_timeout_max_seconds",
      });
  });

export type MinerConfig = z.output<typeof minerSchema>;

export const loadMinerConfig = (path: string): Loaded<MinerConfig> => loadYaml(path, minerSchema);
