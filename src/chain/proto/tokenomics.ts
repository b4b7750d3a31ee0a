import { type Codec, double, message, required, string, uint64 } from "./wire.ts";

/** Who gets which part of minted tokens; the parts add up to 1. */
export type MintDistribution = {
  readonly dao: number;
  readonly proposer: number;
  readonly supplier: number;
  readonly sourceOwner: number;
  readonly application: number;
};
const distribution = (typeName: string): Codec<MintDistribution> =>
  message<MintDistribution>(typeName, {
    dao: double(1),
    proposer: double(2),
    supplier: double(3),
    sourceOwner: double(4),
    application: double(5),
  });
export const MintAllocationPercentages: Codec<MintDistribution> = distribution(
  "pocket.tokenomics.MintAllocationPercentages",
);
export const MintEqualsBurnClaimDistribution: Codec<MintDistribution> = distribution(
  "pocket.tokenomics.MintEqualsBurnClaimDistribution",
);

/** How claims are paid (relay-path 1.7, mining-path 9.3). */
export type TokenomicsParams = {
  readonly mintAllocationPercentages: MintDistribution;
  readonly daoRewardAddress: string;
  readonly globalInflationPerClaim: number;
  readonly mintEqualsBurnClaimDistribution: MintDistribution;
  readonly mintRatio: number;
  readonly overservicingBonusMultiplier: bigint;
};
export const TokenomicsParams: Codec<TokenomicsParams> = message<TokenomicsParams>(
  "pocket.tokenomics.Params",
  {
    mintAllocationPercentages: required(1, MintAllocationPercentages),
    daoRewardAddress: string(6),
    globalInflationPerClaim: double(7),
    mintEqualsBurnClaimDistribution: required(8, MintEqualsBurnClaimDistribution),
    mintRatio: double(9),
    overservicingBonusMultiplier: uint64(10),
  },
);

/** A whole new set of params, sent by the chain's authority (chain 10). */
export type MsgUpdateTokenomicsParams = { readonly authority: string; readonly params: TokenomicsParams };
export const MsgUpdateTokenomicsParams: Codec<MsgUpdateTokenomicsParams> = message<MsgUpdateTokenomicsParams>(
  "pocket.tokenomics.MsgUpdateParams",
  {
    authority: string(1),
    params: required(2, TokenomicsParams),
  },
);
