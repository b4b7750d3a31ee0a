/** Why money moves at settlement: SettlementOpReason by name in events and by number in sorting (mining-path 9.3, chain 8.4). */
export const REASON = {
  applicationBurn: 2,
  inflationMint: 3,
  relaySupplier: 4,
  globalDao: 5,
  globalSupplier: 7,
  globalSourceOwner: 8,
  globalApplication: 9,
  reimbursementDao: 10,
  /** Also what the inflation's move to the supplier module is booked under (chain 8.4). */
  reimbursementEscrow: 14,
  relayDao: 15,
  relaySourceOwner: 17,
  relayApplication: 18,
  claimMint: 19,
  relayValidator: 20,
  globalValidator: 21,
  relayDelegator: 23,
  globalDelegator: 24,
} as const;

export type Reason = (typeof REASON)[keyof typeof REASON];

const NAMES: Readonly<Record<Reason, string>> = {
  2: "TLM_RELAY_BURN_EQUALS_MINT_APPLICATION_STAKE_BURN",
  3: "TLM_GLOBAL_MINT_INFLATION",
  4: "TLM_RELAY_BURN_EQUALS_MINT_SUPPLIER_SHAREHOLDER_REWARD_DISTRIBUTION",
  5: "TLM_GLOBAL_MINT_DAO_REWARD_DISTRIBUTION",
  7: "TLM_GLOBAL_MINT_SUPPLIER_SHAREHOLDER_REWARD_DISTRIBUTION",
  8: "TLM_GLOBAL_MINT_SOURCE_OWNER_REWARD_DISTRIBUTION",
  9: "TLM_GLOBAL_MINT_APPLICATION_REWARD_DISTRIBUTION",
  10: "TLM_GLOBAL_MINT_REIMBURSEMENT_REQUEST_ESCROW_DAO_TRANSFER",
  14: "TLM_GLOBAL_MINT_REIMBURSEMENT_REQUEST_ESCROW_MODULE_TRANSFER",
  15: "TLM_RELAY_BURN_EQUALS_MINT_DAO_REWARD_DISTRIBUTION",
  17: "TLM_RELAY_BURN_EQUALS_MINT_SOURCE_OWNER_REWARD_DISTRIBUTION",
  18: "TLM_RELAY_BURN_EQUALS_MINT_APPLICATION_REWARD_DISTRIBUTION",
  19: "TLM_RELAY_BURN_EQUALS_MINT_TOKENOMICS_CLAIM_DISTRIBUTION_MINT",
  20: "TLM_RELAY_BURN_EQUALS_MINT_VALIDATOR_REWARD_DISTRIBUTION",
  21: "TLM_GLOBAL_MINT_VALIDATOR_REWARD_DISTRIBUTION",
  23: "TLM_RELAY_BURN_EQUALS_MINT_DELEGATOR_REWARD_DISTRIBUTION",
  24: "TLM_GLOBAL_MINT_DELEGATOR_REWARD_DISTRIBUTION",
};

export const reasonName = (reason: Reason): string => NAMES[reason];
