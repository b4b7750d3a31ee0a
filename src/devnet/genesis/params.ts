import { AppError } from "../../base/errors.ts";
import { isAddress } from "../../chain/protocol/address.ts";
import { upokt } from "../chain/coins.ts";
import type { ModuleParams } from "../state.ts";
import type { GenesisFile } from "./schema.ts";

type GivenParams = GenesisFile["params"];

/** The params as the chain's messages have them. Throws AppError GENESIS_INVALID for a DAO address that is none. */
export const moduleParams = (given: GivenParams, dao: string): ModuleParams => ({
  shared: shared(given.shared),
  session: { numSuppliersPerSession: given.session.num_suppliers_per_session },
  application: {
    maxDelegatedGateways: given.application.max_delegated_gateways,
    minStake: upokt(given.application.min_stake),
  },
  gateway: { minStake: upokt(given.gateway.min_stake) },
  supplier: { minStake: upokt(given.supplier.min_stake), stakingFee: upokt(given.supplier.staking_fee) },
  service: {
    addServiceFee: upokt(given.service.add_service_fee),
    targetNumRelays: given.service.target_num_relays,
  },
  proof: {
    proofRequestProbability: given.proof.proof_request_probability,
    proofRequirementThreshold: upokt(given.proof.proof_requirement_threshold),
    proofMissingPenalty: upokt(given.proof.proof_missing_penalty),
    proofSubmissionFee: upokt(given.proof.proof_submission_fee),
  },
  tokenomics: tokenomics(given.tokenomics, dao),
});

const shared = (given: GivenParams["shared"]): ModuleParams["shared"] => ({
  numBlocksPerSession: given.num_blocks_per_session,
  gracePeriodEndOffsetBlocks: given.grace_period_end_offset_blocks,
  claimWindowOpenOffsetBlocks: given.claim_window_open_offset_blocks,
  claimWindowCloseOffsetBlocks: given.claim_window_close_offset_blocks,
  proofWindowOpenOffsetBlocks: given.proof_window_open_offset_blocks,
  proofWindowCloseOffsetBlocks: given.proof_window_close_offset_blocks,
  supplierUnbondingPeriodSessions: given.supplier_unbonding_period_sessions,
  applicationUnbondingPeriodSessions: given.application_unbonding_period_sessions,
  computeUnitsToTokensMultiplier: given.compute_units_to_tokens_multiplier,
  gatewayUnbondingPeriodSessions: given.gateway_unbonding_period_sessions,
  computeUnitCostGranularity: given.compute_unit_cost_granularity,
  sessionGridAnchorHeight: given.session_grid_anchor_height,
  sessionNumberAtAnchor: given.session_number_at_anchor,
});

function tokenomics(given: GivenParams["tokenomics"], dao: string): ModuleParams["tokenomics"] {
  const distribution = ({
    source_owner,
    ...rest
  }: GivenParams["tokenomics"]["mint_allocation_percentages"]) => ({
    ...rest,
    sourceOwner: source_owner,
  });
  const daoRewardAddress = given.dao_reward_address ?? dao;
  if (!isAddress(daoRewardAddress))
    throw new AppError(
      "GENESIS_INVALID",
      `params.tokenomics.dao_reward_address: ${daoRewardAddress} is not an address`,
    );
  return {
    mintAllocationPercentages: distribution(given.mint_allocation_percentages),
    daoRewardAddress,
    globalInflationPerClaim: given.global_inflation_per_claim,
    mintEqualsBurnClaimDistribution: distribution(given.mint_equals_burn_claim_distribution),
    mintRatio: given.mint_ratio,
    overservicingBonusMultiplier: given.overservicing_bonus_multiplier,
  };
}
