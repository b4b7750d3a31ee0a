import { stringify } from "yaml";
import { toHex } from "../../../base/bytes.ts";
import type { BackendKind } from "../../../runtime/config/backends.ts";
import type { Actor } from "./actors.ts";
import { backendKindOf } from "./demo-kinds.ts";
import type { Plan } from "./plan.ts";
import type { Ports } from "./ports.ts";

const RPC_TYPES: Readonly<Record<BackendKind, string>> = {
  jsonrpc: "JSON_RPC",
  rest: "REST",
  cometbft: "COMET_BFT",
  websocket: "WEBSOCKET",
  grpc: "GRPC",
};

/** Enough for every relay of any run: no claim is cut because an application cannot pay. */
const APPLICATION_STAKE = 1_000_000_000_000;
const GATEWAY_STAKE = 5_000_000_000;
const SUPPLIER_STAKE = 60_000_000_000;
/** Difficulty stays at its base: every relay is a leaf, or answered = leaves could not be checked. */
const TARGET_RELAYS = 1_000_000_000;
const MISSING_PROOF_PENALTY = 320_000_000;

/** The devnet's genesis as YAML. */
export function genesisYaml(plan: Plan, ports: Ports): string {
  const { grid } = plan;
  const whole = (value: bigint) => Number(value);
  return stringify({
    chain_id: plan.chainId,
    seed: `localnet-${plan.seed}`,
    block_time_ms: plan.blockTimeMs,
    min_gas_price: "0.000001upokt",
    params: {
      shared: {
        num_blocks_per_session: whole(grid.sessionBlocks),
        grace_period_end_offset_blocks: whole(grid.graceBlocks),
        claim_window_open_offset_blocks: whole(grid.claimOpen),
        claim_window_close_offset_blocks: whole(grid.claimClose),
        proof_window_open_offset_blocks: whole(grid.proofOpen),
        proof_window_close_offset_blocks: whole(grid.proofClose),
        supplier_unbonding_period_sessions: whole(grid.unbondingSessions),
        application_unbonding_period_sessions: whole(grid.unbondingSessions),
        gateway_unbonding_period_sessions: whole(grid.unbondingSessions),
      },
      service: { target_num_relays: TARGET_RELAYS },
      proof: {
        proof_request_probability: plan.proofProbability,
        proof_requirement_threshold: whole(plan.proofThreshold),
        proof_missing_penalty: MISSING_PROOF_PENALTY,
      },
    },
    services: plan.services.map(({ id, name, computeUnitsPerRelay }) => ({
      id,
      name,
      compute_units_per_relay: whole(computeUnitsPerRelay),
    })),
    gateways: plan.gateways.map((gateway) => ({ ...identity(gateway), stake: GATEWAY_STAKE })),
    applications: plan.applications.map((application) => ({
      ...identity(application),
      stake: APPLICATION_STAKE,
      services: [application.service.id],
      gateways: application.gateways.map(({ name }) => name),
    })),
    suppliers: plan.suppliers.map((supplier) => ({
      ...identity(supplier),
      stake: SUPPLIER_STAKE,
      services: plan.services.map(({ id, kind }) => ({
        id,
        endpoints: [{ url: `http://127.0.0.1:${ports.relay}`, rpc_type: RPC_TYPES[backendKindOf(kind)] }],
      })),
    })),
  });
}

const identity = ({ name, privateKey, address }: Actor) => ({ name, key: `0x${toHex(privateKey)}`, address });
