import { type Actor, actor, actors } from "./actors.ts";
import type { DemoKind } from "./demo-kinds.ts";
import type { LocalnetSettings } from "./settings.ts";

export type PlannedService = {
  readonly id: string;
  readonly name: string;
  readonly kind: DemoKind;
  readonly computeUnitsPerRelay: bigint;
};

export type PlannedApplication = Actor & {
  readonly service: PlannedService;
  /** Who may sign for it besides itself; none means the ring's placeholder. */
  readonly gateways: readonly Actor[];
};

/** The session grid in blocks. */
export type PlannedGrid = {
  readonly sessionBlocks: bigint;
  readonly graceBlocks: bigint;
  readonly claimOpen: bigint;
  readonly claimClose: bigint;
  readonly proofOpen: bigint;
  readonly proofClose: bigint;
  /** Long enough for every claim to settle before a stake is paid back. */
  readonly unbondingSessions: bigint;
};

/** The whole local network on paper: made from the settings alone, so that a seed gives the same one again. */
export type Plan = {
  readonly chainId: string;
  readonly services: readonly PlannedService[];
  readonly suppliers: readonly Actor[];
  readonly gateways: readonly Actor[];
  readonly applications: readonly PlannedApplication[];
  readonly grid: PlannedGrid;
  readonly blockTimeMs: number;
  readonly seed: number;
  /** A claim of at least so many upokt needs a proof. */
  readonly proofThreshold: bigint;
  /** How probably a smaller one needs a proof. */
  readonly proofProbability: number;
};

/** Every transport, and prices that differ, so that no figure in the report fits another service by chance. The first is the dearest. */
const SERVICES: readonly PlannedService[] = [
  { id: "eth", name: "Demo chain, JSON-RPC", kind: "jsonrpc", computeUnitsPerRelay: 100n },
  { id: "cosmos", name: "Demo chain, CometBFT RPC", kind: "cometbft", computeUnitsPerRelay: 35n },
  { id: "weather", name: "Demo REST API", kind: "rest", computeUnitsPerRelay: 1n },
  { id: "heads", name: "Demo chain, WebSocket", kind: "websocket", computeUnitsPerRelay: 12n },
  { id: "oracle", name: "Demo oracle, gRPC", kind: "grpc", computeUnitsPerRelay: 40n },
  { id: "ticks", name: "Demo stream of events", kind: "stream", computeUnitsPerRelay: 20n },
];

/** upokt per compute unit: multiplier 42 000 000 over granularity 1 000 000, the chain's defaults. */
export const UPOKT_PER_COMPUTE_UNIT = 42n;

/** Relays a second that two busy cores manage for client, relayer, backend, miner and chain together. */
const COMFORTABLE_RPS = 200;
/** The part of a session in which relays are sent: the rest is for those on their way. */
export const SENDING_PART = 0.7;
const SHORTEST_SESSION_MS = 4_000;
/** A miner needs this long to seal, simulate, send and see its claims in a block, with room for a slow machine. */
const WINDOW_MS = 3_000;

/** Keys, services, grid and proof params of a local network. Pure. */
export function planLocalnet(settings: LocalnetSettings): Plan {
  const { seed } = settings;
  const gateways = actors(seed, "gateway", 2);
  const [first, second] = gateways;
  const delegations = [[first, second], [first], [], [second], [first], [first, second]];
  return {
    chainId: "localnet",
    services: SERVICES,
    suppliers: actors(seed, "supplier", settings.suppliers),
    gateways,
    applications: SERVICES.map((service, index) => ({
      ...actor(seed, `application-${index + 1}`),
      service,
      gateways: (delegations[index] ?? []).filter((gateway) => gateway !== undefined),
    })),
    grid: gridFor(settings),
    blockTimeMs: settings.blockTimeMs,
    seed,
    proofThreshold: thresholdFor(settings),
    proofProbability: 0.25,
  };
}

function gridFor({ blockTimeMs, relays, sessions }: LocalnetSettings): PlannedGrid {
  const blocks = (ms: number) => Math.ceil(ms / blockTimeMs);
  const sendingMs = (relays / sessions / COMFORTABLE_RPS) * 1000;
  const sessionBlocks = BigInt(Math.max(10, blocks(SHORTEST_SESSION_MS), blocks(sendingMs / SENDING_PART)));
  const window = BigInt(Math.max(4, blocks(WINDOW_MS)));
  const claimOpen = 1n;
  return {
    sessionBlocks,
    graceBlocks: 1n,
    claimOpen,
    claimClose: window,
    proofOpen: 0n,
    proofClose: window,
    unbondingSessions: (claimOpen + 2n * window + sessionBlocks - 1n) / sessionBlocks,
  };
}

/** Half of what the dearest service earns per supplier and session: its claims always need a proof, the others' by the draw. */
function thresholdFor({ relays, sessions, suppliers }: LocalnetSettings): bigint {
  const [dearest] = SERVICES;
  const share = BigInt(Math.max(1, Math.floor(relays / sessions / suppliers / SERVICES.length)));
  return (share * (dearest?.computeUnitsPerRelay ?? 1n) * UPOKT_PER_COMPUTE_UNIT) / 2n;
}
