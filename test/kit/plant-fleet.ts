import { systemClock } from "../../src/base/clock.ts";
import { Application } from "../../src/chain/proto/application.ts";
import { Service, SharedParams } from "../../src/chain/proto/shared.ts";
import {
  applicationEntity,
  cacheEntries,
  serviceEntity,
  sharedParamsEntity,
} from "../../src/runtime/redis/cache-entries.ts";
import type { RedisClient } from "../../src/runtime/redis/client.ts";
import { type Heartbeat, heartbeats } from "../../src/runtime/redis/heartbeat.ts";
import type { Keys } from "../../src/runtime/redis/keys.ts";
import { LEADER, openLeases } from "../../src/runtime/redis/leases.ts";
import { encodeSession, type SessionRecord } from "../../src/runtime/redis/session-record.ts";

/** A fleet as its processes leave it in Redis: two relayers, two miners, four suppliers at height 1 215. */

const BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const address = (seed: number): string =>
  `pokt1${Array.from({ length: 38 }, (_, index) => BECH32[(seed * 7 + index * (seed + 3)) % 32]).join("")}`;

export const HEIGHT = 1_215n;
export const SUPPLIERS = [1, 2, 3, 4].map(address);
export const APPLICATIONS = [11, 12, 13].map(address);
const SERVICES = ["anvil", "eth", "solana-mainnet-archival"] as const;

/** Sessions of ten blocks; claims 2 to 6 blocks after their end, proofs the 4 blocks after. */
const PARAMS = SharedParams.create({
  numBlocksPerSession: 10n,
  gracePeriodEndOffsetBlocks: 1n,
  claimWindowOpenOffsetBlocks: 1n,
  claimWindowCloseOffsetBlocks: 4n,
  proofWindowOpenOffsetBlocks: 0n,
  proofWindowCloseOffsetBlocks: 4n,
  computeUnitsToTokensMultiplier: 42_000_000n,
  computeUnitCostGranularity: 1_000_000n,
});

const relayer = (id: string, perSecond: number, ages: readonly [string, number][]): Heartbeat => ({
  ...process_(id, "relayer"),
  details: {
    height: Number(HEIGHT),
    heightAgeMs: 1_400,
    inFlight: 7,
    relaysPerSecond: perSecond,
    served: 48_211,
    p50Ms: 4.2,
    p99Ms: 38.5,
    refused: { over_stake: 912, ring_invalid: 31, no_session: 4 },
    rssBytes: 181_000_000,
    suppliers: SUPPLIERS,
    services: SERVICES.map((service) => ({ id: service, mode: "optimistic", backends: ["jsonrpc"] })),
    caches: {
      application: { size: ages.length, entries: ages },
      service: { size: 2, entries: [["eth", 4_000]] },
      shared_params: { size: 1, entries: [["live", 2_000]] },
      supplier: { size: 1, entries: [[SUPPLIERS[0] ?? "", 9_000]] },
    },
  },
});

const miner = (id: string, leader: boolean, height: bigint): Heartbeat => ({
  ...process_(id, "miner"),
  details: {
    height: Number(height),
    leader,
    suppliers: SUPPLIERS.slice(0, 2),
    rssBytes: 240_000_000,
    caches: { application: { size: 1, entries: [[APPLICATIONS[0] ?? "", 31_000]] } },
  },
});

const process_ = (id: string, role: string) => ({
  id,
  role,
  version: "0.1.0",
  host: "host-1",
  pid: 4_242,
  startedAt: Date.now() - 3_600_000,
  beatAt: Date.now(),
});

const REPLICAS = (): readonly Heartbeat[] => [
  relayer("relayer-r1", 412.5, [
    [APPLICATIONS[0] ?? "", 12_000],
    [APPLICATIONS[1] ?? "", 240_000],
  ]),
  relayer("relayer-r2", 388, [[APPLICATIONS[0] ?? "", 13_000]]),
  miner("miner-a", true, HEIGHT),
  miner("miner-b", false, HEIGHT - 2n),
];

const session = (
  supplier: number,
  service: number,
  end: bigint,
  state: SessionRecord["state"],
  more: Partial<SessionRecord> = {},
): SessionRecord => ({
  sessionId: `${supplier}${service}${end}`.padEnd(64, "0c"),
  supplier: SUPPLIERS[supplier] ?? "",
  serviceId: SERVICES[service] ?? "",
  application: APPLICATIONS[service] ?? "",
  startHeight: end - 9n,
  endHeight: end,
  state,
  relayCount: BigInt(1_204 * (supplier + 1) + service),
  computeUnits: BigInt(1_204 * (supplier + 1) + service) * 2_500n,
  createdAt: BigInt(Date.now()) * 1_000_000n,
  updatedAt: BigInt(Date.now()) * 1_000_000n,
  ...more,
});

const ROOT = Uint8Array.from({ length: 48 }, (_, index) => (index < 32 ? index : index === 47 ? 9 : 0));

export const SESSIONS: readonly SessionRecord[] = [
  session(0, 0, 1_220n, "active"),
  session(1, 1, 1_220n, "active"),
  session(2, 2, 1_220n, "active"),
  session(3, 0, 1_220n, "active"),
  session(0, 0, 1_210n, "claiming", { claimedRoot: ROOT }),
  session(1, 1, 1_210n, "claimed", { claimedRoot: ROOT, claimTxHash: "99D4EAA4".repeat(8) }),
  session(2, 2, 1_210n, "active"),
  session(0, 1, 1_200n, "proved", {
    claimedRoot: ROOT,
    settlementOutcome: "settled_proven",
    settlementHeight: 1_211n,
    settlementClaimed: 126_420_000n,
    settlementPaid: 126_420_000n,
    settlementSlashed: 0n,
  }),
  session(1, 0, 1_200n, "claim_window_closed"),
];

/** Writes the fleet; leases and heartbeats last as long as their times to live. */
export async function plantFleet(redis: RedisClient, keys: Keys): Promise<void> {
  await plantHeartbeats(redis, keys);
  const leases = (instance: string) => openLeases({ redis, keys, clock: systemClock, instance });
  await leases("miner-a").acquire(LEADER, 600_000);
  for (const supplier of SUPPLIERS.slice(0, 2)) await leases("miner-a").acquire(supplier, 600_000);
  await leases("miner-b").acquire(SUPPLIERS[2] ?? "", 600_000);
  await redis.send("SADD", keys.registryIndex, ...SUPPLIERS);
  for (const record of SESSIONS) {
    const { supplier, sessionId, state } = record;
    await redis.send("HSET", keys.session(supplier, sessionId), ...[...encodeSession(record)].flat());
    await redis.send("SADD", keys.sessionIndex(supplier), sessionId);
    await redis.send("SADD", keys.sessionState(supplier, state), sessionId);
  }
  await plantStreams(redis, keys);
  const entries = cacheEntries(redis, keys);
  await entries.set(sharedParamsEntity, undefined, PARAMS, 600_000);
  for (const app of APPLICATIONS)
    await entries.set(applicationEntity, app, Application.create({ address: app }));
  await entries.set(serviceEntity, "eth", Service.create({ id: "eth" }));
  await entries.addKnown("applications", APPLICATIONS);
  await redis.send("SET", keys.generation, "88141");
}

export async function plantHeartbeats(redis: RedisClient, keys: Keys): Promise<void> {
  for (const heartbeat of REPLICAS()) await heartbeats(redis, keys).beat(heartbeat);
}

async function plantStreams(redis: RedisClient, keys: Keys): Promise<void> {
  const [first = "", second = ""] = SUPPLIERS;
  for (const supplier of [first, second]) {
    const stream = keys.stream(supplier);
    await redis.send("XGROUP", "CREATE", stream, keys.consumerGroup, "0", "MKSTREAM");
    for (let entry = 0; entry < 40; entry++) await redis.send("XADD", stream, "*", "data", `relay ${entry}`);
  }
  const read = [
    "GROUP",
    keys.consumerGroup,
    "miner-a",
    "COUNT",
    15,
    "STREAMS",
    keys.stream(first),
    ">",
  ] as const;
  await redis.send("XREADGROUP", ...read);
  for (let entry = 0; entry < 3; entry++)
    await redis.send("XADD", keys.deadLetters(second), "*", "reason", "weighs 1, not 2");
}
