import { randomBytes } from "node:crypto";
import { toHex } from "../../src/base/bytes.ts";
import type { RelayRequest } from "../../src/chain/proto/service.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { identityOf } from "../../src/devnet/genesis/identities.ts";
import type { RejectReason } from "../../src/runtime/relayer/rejects.ts";
import type { Network } from "./network.ts";

export const KEY_ID = "Pocket-Simulation-Key-Id";

const keyOf = (name: string): string => toHex(identityOf({ name }, "kit").publicKey ?? new Uint8Array());

export const simulationIdentity = (key_id: string, more: Readonly<Record<string, unknown>> = {}) => ({
  key_id,
  enabled: true,
  max_rps: 1_000,
  app_pubkey_hex: keyOf("application"),
  gateway_pubkeys_hex: [keyOf("gateway")],
  ...more,
});

export const SIMULATION = {
  enabled: true,
  max_concurrent: 4,
  freshness_window_seconds: 20,
  identities: [
    simulationIdentity("probe"),
    simulationIdentity("off", { enabled: false }),
    simulationIdentity("old", { not_after: "2020-01-01T00:00:00Z" }),
    simulationIdentity("elsewhere", { allowed_services: ["other-svc"] }),
    simulationIdentity("slow", { max_rps: 0.001 }),
    simulationIdentity("foreign", { app_pubkey_hex: keyOf("newcomer") }),
  ],
};

const now = () => Math.floor(Date.now() / 1000);
const sessionId = (at = now()) => `simv1:${at}:${randomBytes(8).toString("hex")}`;

/** The header of a simulated relay: each has a session of its own. */
export const simulatedHeader = (network: Network, changes: Partial<SessionHeader> = {}): SessionHeader => ({
  applicationAddress: network.application.address,
  serviceId: "kit-svc",
  sessionId: sessionId(),
  sessionStartBlockHeight: 1n,
  sessionEndBlockHeight: 2n,
  ...changes,
});

export const simulatedRelay = (network: Network, changes: Partial<SessionHeader> = {}): RelayRequest =>
  network.sign(simulatedHeader(network, changes), "{}");

export type RefusedSimulation = readonly [
  what: string,
  reason: RejectReason,
  make: (network: Network) => RelayRequest,
  keyId: string,
];

const withSupplier = (request: RelayRequest, supplierOperatorAddress: string): RelayRequest => ({
  ...request,
  meta: { ...request.meta, supplierOperatorAddress },
});

/** Simulated relays that are not admitted (relay-path 8). */
export const REFUSED_SIMULATIONS: readonly RefusedSimulation[] = [
  ["an unknown key id", "simulation_rejected", simulatedRelay, "nobody"],
  ["a key id that is not enabled", "simulation_rejected", simulatedRelay, "off"],
  ["one that has expired", "simulation_rejected", simulatedRelay, "old"],
  ["a service that the key id may not ask", "simulation_rejected", simulatedRelay, "elsewhere"],
  ["an application that is not the key id's", "simulation_rejected", simulatedRelay, "foreign"],
  [
    "a signer that is not pinned",
    "simulation_rejected",
    (network) => network.sign(simulatedHeader(network), "{}", { signer: network.newcomer }),
    "probe",
  ],
  [
    "a time that is long ago",
    "simulation_rejected",
    (network) => simulatedRelay(network, { sessionId: sessionId(now() - 60) }),
    "probe",
  ],
  [
    "a time that is to come",
    "simulation_rejected",
    (network) => simulatedRelay(network, { sessionId: sessionId(now() + 60) }),
    "probe",
  ],
  [
    "a session id that is none",
    "bad_request",
    (network) => simulatedRelay(network, { sessionId: "simv1:1" }),
    "probe",
  ],
  [
    "a service that is not served",
    "unknown_service",
    (network) => simulatedRelay(network, { serviceId: "other" }),
    "probe",
  ],
  [
    "heights that are none",
    "simulation_rejected",
    (network) => simulatedRelay(network, { sessionEndBlockHeight: 1n }),
    "probe",
  ],
  ["no supplier", "missing_supplier", (network) => withSupplier(simulatedRelay(network), ""), "probe"],
  [
    "another supplier",
    "simulation_rejected",
    (network) => withSupplier(simulatedRelay(network), network.gateway.address),
    "probe",
  ],
  [
    "a payload that was not signed",
    "simulation_rejected",
    (network) => ({
      ...simulatedRelay(network),
      payload: network.sign(simulatedHeader(network), "[]").payload,
    }),
    "probe",
  ],
];
