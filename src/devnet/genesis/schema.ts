import { z } from "zod";
import { RpcType } from "../../chain/proto/shared.ts";
import { isServiceId } from "../../chain/protocol/validate.ts";

// What a genesis file may say. Names of params are those of the chain's own fields; amounts are upokt, as a number or as "5upokt".

const uint = () =>
  z.union([z.number().int().nonnegative(), z.string().regex(/^\d+$/)]).transform((value) => BigInt(value));

const amount = () =>
  z
    .union([
      z.number().int().nonnegative(),
      z.string().regex(/^\d+(upokt)?$/, { error: "expected an amount such as 5upokt" }),
    ])
    .transform((value) => BigInt(String(value).replace("upokt", "")));

const fraction = () => z.number().min(0).max(1);
const name = () =>
  z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, { error: "expected letters, digits, _ . or -" });
const serviceId = () =>
  z.string().refine(isServiceId, { error: "a service id has 1 to 42 letters, digits, _ or -" });

const distribution = () =>
  z.strictObject({
    dao: fraction().default(0.1),
    proposer: fraction().default(0.05),
    supplier: fraction().default(0.7),
    source_owner: fraction().default(0.15),
    application: fraction().default(0),
  });

const params = () =>
  z
    .strictObject({
      shared: z
        .strictObject({
          num_blocks_per_session: uint().default(10n),
          grace_period_end_offset_blocks: uint().default(1n),
          claim_window_open_offset_blocks: uint().default(1n),
          claim_window_close_offset_blocks: uint().default(4n),
          proof_window_open_offset_blocks: uint().default(0n),
          proof_window_close_offset_blocks: uint().default(4n),
          supplier_unbonding_period_sessions: uint().default(1n),
          application_unbonding_period_sessions: uint().default(1n),
          compute_units_to_tokens_multiplier: uint().default(42_000_000n),
          gateway_unbonding_period_sessions: uint().default(1n),
          compute_unit_cost_granularity: uint().default(1_000_000n),
          session_grid_anchor_height: uint().default(0n),
          session_number_at_anchor: uint().default(0n),
        })
        .prefault({}),
      session: z.strictObject({ num_suppliers_per_session: uint().default(15n) }).prefault({}),
      application: z
        .strictObject({
          max_delegated_gateways: uint().default(7n),
          min_stake: amount().default(100_000_000n),
        })
        .prefault({}),
      gateway: z.strictObject({ min_stake: amount().default(1_000_000n) }).prefault({}),
      supplier: z
        .strictObject({ min_stake: amount().default(1_000_000n), staking_fee: amount().default(1_000_000n) })
        .prefault({}),
      service: z
        .strictObject({
          add_service_fee: amount().default(1_000_000_000n),
          target_num_relays: uint().default(100_000n),
        })
        .prefault({}),
      proof: z
        .strictObject({
          proof_request_probability: fraction().default(0.25),
          proof_requirement_threshold: amount().default(20_000_000n),
          proof_missing_penalty: amount().default(250_000n),
          proof_submission_fee: amount().default(10_000n),
        })
        .prefault({}),
      tokenomics: z
        .strictObject({
          mint_allocation_percentages: distribution().prefault({}),
          dao_reward_address: z.string().optional(),
          global_inflation_per_claim: z.number().nonnegative().default(0),
          mint_equals_burn_claim_distribution: distribution().prefault({}),
          mint_ratio: fraction().default(1),
          overservicing_bonus_multiplier: uint().default(0n),
        })
        .prefault({}),
    })
    .prefault({});

/** Who somebody is: a key in hex, or an address (with or without a public key), or else a key made from the seed and the name. */
const identity = {
  name: name(),
  key: z.string().optional(),
  address: z.string().optional(),
  public_key: z
    .string()
    .regex(/^[0-9a-fA-F]{66}$/, { error: "a public key has 66 hex digits" })
    .optional(),
  balance: amount().optional(),
};

const RPC_TYPES = {
  GRPC: RpcType.grpc,
  WEBSOCKET: RpcType.websocket,
  JSON_RPC: RpcType.jsonRpc,
  REST: RpcType.rest,
  COMET_BFT: RpcType.cometBft,
} as const;

const endpoint = () =>
  z.strictObject({
    url: z.string().min(1),
    rpc_type: z
      .enum(Object.keys(RPC_TYPES) as (keyof typeof RPC_TYPES)[])
      .default("JSON_RPC")
      .transform((type) => RPC_TYPES[type]),
  });

const supplierService = () =>
  z.strictObject({
    id: serviceId(),
    endpoints: z.array(endpoint()).default([]),
    /** Percent by account name or address; the owner gets everything without it. */
    rev_share: z.record(z.string(), uint()).optional(),
  });

/** The whole file. */
export const genesisSchema = z.strictObject({
  chain_id: z.string().min(1).default("pocket"),
  seed: z.string().min(1).default("devnet"),
  block_time_ms: z.number().int().min(200, { error: "blocks take at least 200 ms" }).default(1000),
  /** Of block 1; "now" by default. */
  genesis_time: z.iso.datetime().optional(),
  min_gas_price: z.string().default("0upokt"),
  /** What every account has that does not say otherwise. */
  balance: amount().default(1_000_000_000_000n),
  params: params(),
  accounts: z.array(z.strictObject(identity)).default([]),
  services: z
    .array(
      z.strictObject({
        id: serviceId(),
        name: z.string().optional(),
        compute_units_per_relay: uint().default(1n),
        owner: z.string().optional(),
      }),
    )
    .default([]),
  gateways: z.array(z.strictObject({ ...identity, stake: amount().default(1_000_000_000n) })).default([]),
  applications: z
    .array(
      z.strictObject({
        ...identity,
        stake: amount().default(10_000_000_000n),
        services: z.array(serviceId()).min(1),
        gateways: z.array(z.string()).default([]),
        per_session_spend_limit: amount().optional(),
      }),
    )
    .default([]),
  suppliers: z
    .array(
      z.strictObject({
        ...identity,
        stake: amount().default(2_000_000n),
        owner: z.string().optional(),
        services: z.array(supplierService()).min(1),
      }),
    )
    .default([]),
  validators: z
    .array(
      z.strictObject({
        ...identity,
        commission: z
          .string()
          .regex(/^[01](\.\d{1,18})?$/, { error: "a commission is a decimal from 0 to 1" })
          .default("0.1"),
        tokens: uint().default(900_000_000n),
        delegations: z.record(z.string(), uint()).default({}),
      }),
    )
    .optional(),
});

export type GenesisFile = z.output<typeof genesisSchema>;
