import { countdown } from "../../src/runtime/ops/countdown.ts";
import type {
  CacheView,
  FleetView,
  QueueView,
  ReplicaView,
  Section,
  SessionView,
} from "../../src/runtime/ops/view.ts";

/** A view of a fleet at height 1 215, made of plain values. */

export const NOW = 1_700_000_000_000;
const HEIGHT = 1_215n;
const address = (name: string): string => `pokt1${name.padEnd(38, "qz9x")}`;

const section = <Value>(value: Value): Section<Value> => ({ value, readAt: NOW, problem: undefined });

export function sampleSession(index: number, change: Partial<SessionView> = {}): SessionView {
  const endHeight = change.endHeight ?? 1_220n;
  const windows = {
    graceEnd: endHeight + 1n,
    claimOpen: endHeight + 2n,
    claimClose: endHeight + 6n,
    proofOpen: endHeight + 6n,
    proofClose: endHeight + 10n,
    settle: endHeight + 11n,
  };
  const state = change.state ?? "active";
  const next = countdown({ state, endHeight, windows, settledAt: change.settled?.height }, HEIGHT);
  return {
    supplier: address(`su${index % 7}`),
    service: ["anvil", "eth", "solana-mainnet-archival"][index % 3] ?? "",
    application: address(`ap${index % 5}`),
    sessionId: `${index}`.padStart(64, "0c"),
    state,
    startHeight: endHeight - 9n,
    endHeight,
    relays: BigInt(index * 1_204),
    computeUnits: BigInt(index * 1_204_000),
    worthUpokt: BigInt(index) * 41_203_000n,
    settled: undefined,
    windows,
    next,
    owner: index % 4 === 3 ? undefined : "miner-host-a-4242",
    claimTx: undefined,
    proofTx: undefined,
    claimedRoot: undefined,
    createdAt: NOW - 60_000,
    updatedAt: NOW - 1_000,
    ...change,
  };
}

export function sampleReplica(id: string, change: Partial<ReplicaView> = {}): ReplicaView {
  return {
    id,
    role: "relayer",
    version: "0.1.0",
    host: "host-1",
    pid: 4_242,
    alive: true,
    beatAgeMs: 400,
    startedAt: NOW - 3_600_000,
    height: HEIGHT,
    heightAgeMs: 1_400,
    lagBlocks: 0n,
    isLeader: undefined,
    relays: {
      perSecond: 412.5,
      served: 48_211,
      inFlight: 7,
      p50Ms: 4.2,
      p99Ms: 38.5,
      refused: { over_stake: 912, ring_invalid: 31 },
    },
    suppliers: [address("su0"), address("su1")],
    services: ["anvil", "eth"],
    endpoints: [
      { service: "anvil", rpcType: "jsonrpc", name: "node-1", state: "up" },
      { service: "eth", rpcType: "jsonrpc", name: "node-2", state: "ejected" },
    ],
    rssBytes: 181_000_000,
    ...change,
  };
}

const sampleQueue = (index: number, change: Partial<QueueView> = {}): QueueView => ({
  supplier: address(`su${index}`),
  length: index * 40,
  pending: index * 15,
  oldestAgeMs: index === 0 ? undefined : index * 4_000,
  deadLetters: index === 2 ? 3 : 0,
  claimsWaiting: index === 1 ? 1 : 0,
  proofsWaiting: 0,
  owner: index === 3 ? undefined : "miner-host-a-4242",
  epoch: `${index + 1}`,
  leaseMsLeft: 82_000,
  problem: undefined,
  ...change,
});

const CACHE: readonly CacheView[] = [
  {
    entity: "application",
    key: address("ap0"),
    memory: { "relayer-r1": 12_000, "relayer-r2": 240_000, "miner-a": "absent" },
    shared: { state: "held", ageMs: 12_000, ttlMs: 288_000 },
  },
  {
    entity: "application",
    key: address("ap1"),
    memory: { "relayer-r1": "unknown", "relayer-r2": "absent", "miner-a": "absent" },
    shared: { state: "absent" },
  },
  {
    entity: "supplier",
    key: address("su0"),
    memory: { "relayer-r1": 9_000, "relayer-r2": "absent", "miner-a": 8_000 },
    shared: { state: "none" },
  },
  {
    entity: "shared_params",
    key: "live",
    memory: { "relayer-r1": 2_000, "relayer-r2": 3_000, "miner-a": 1_000 },
    shared: { state: "held", ageMs: undefined, ttlMs: 51_000 },
  },
];

export function sampleView(change: Partial<FleetView> = {}): FleetView {
  const sessions = [
    ...Array.from({ length: 24 }, (_, index) => sampleSession(index + 1)),
    sampleSession(30, { endHeight: 1_210n, state: "claiming" }),
    sampleSession(31, { endHeight: 1_210n }),
    sampleSession(32, { endHeight: 1_206n, state: "claimed", claimTx: "99D4EAA4".repeat(8) }),
    sampleSession(33, { endHeight: 1_200n, state: "claim_window_closed" }),
    sampleSession(34, {
      endHeight: 1_200n,
      state: "proved",
      settled: {
        outcome: "settled_proven",
        height: 1_211n,
        claimedUpokt: 126_420_000n,
        paidUpokt: 126_420_000n,
        slashedUpokt: 0n,
      },
    }),
  ];
  const miner = {
    role: "miner",
    relays: undefined,
    heightAgeMs: undefined,
    services: [],
    endpoints: [],
  } as const;
  return {
    readAt: NOW,
    chain: { height: HEIGHT, blockAgeMs: 1_400, blockMs: 30_000 },
    replicas: section([
      sampleReplica("relayer-r1"),
      sampleReplica("relayer-r2", { alive: false, beatAgeMs: undefined }),
      sampleReplica("miner-a", { ...miner, isLeader: true }),
    ]),
    leader: section({ owner: "miner-a", epoch: "42", leaseMsLeft: 20_000 }),
    redis: section({
      version: "7.0.15",
      usedBytes: 212_000_000,
      maxBytes: 4_000_000_000,
      appendOnly: true,
      lastWriteOk: true,
      answerMs: 0.4,
      warnings: [],
    }),
    sessions: section({ sessions, total: sessions.length, unreadable: [] }),
    queues: section([0, 1, 2, 3].map((index) => sampleQueue(index))),
    cache: section({ entries: CACHE, held: 1_204, generation: "88141" }),
    ...change,
  };
}
