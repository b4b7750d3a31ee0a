import type { Application } from "../../src/chain/proto/application.ts";
import { Service, SharedParams, Supplier } from "../../src/chain/proto/shared.ts";
import type { BlockContext, ChainEvent } from "../../src/devnet/context.ts";
import { serviceConfigKey } from "../../src/devnet/keys.ts";
import {
  type ForkedState,
  fork,
  type ModuleParams,
  type StateStore,
  setLiveParams,
} from "../../src/devnet/state.ts";

export const upokt = (amount: bigint | number): { denom: string; amount: string } => ({
  denom: "upokt",
  amount: amount.toString(),
});

/** Ten blocks a session, windows 1/4/0/4, 100 upokt a compute unit: the second recorded chain's (vectors/README). */
export const SHARED_PARAMS: SharedParams = SharedParams.create({
  numBlocksPerSession: 10n,
  gracePeriodEndOffsetBlocks: 1n,
  claimWindowOpenOffsetBlocks: 1n,
  claimWindowCloseOffsetBlocks: 4n,
  proofWindowCloseOffsetBlocks: 4n,
  supplierUnbondingPeriodSessions: 1n,
  applicationUnbondingPeriodSessions: 1n,
  gatewayUnbondingPeriodSessions: 1n,
  computeUnitsToTokensMultiplier: 100n,
  computeUnitCostGranularity: 1n,
  sessionGridAnchorHeight: 1n,
  sessionNumberAtAnchor: 1n,
});

const DISTRIBUTION = { dao: 0.1, proposer: 0.05, supplier: 0.7, sourceOwner: 0.15, application: 0 };

export const DAO = "pokt1eeeksh2tvkh7wzmfrljnhw4wrhs55lcuvmekkw";
export const SERVICE_OWNER = "pokt1cwnu460557x0z78jv3hhc7356hhkrgc86c87q5";

export const MODULE_PARAMS: ModuleParams = {
  shared: SHARED_PARAMS,
  session: { numSuppliersPerSession: 15n },
  application: { maxDelegatedGateways: 7n, minStake: upokt(100_000_000) },
  gateway: { minStake: upokt(1_000_000) } as ModuleParams["gateway"],
  supplier: { minStake: upokt(1_000_000), stakingFee: upokt(1_000_000) },
  service: { addServiceFee: upokt(1_000_000_000), targetNumRelays: 20n },
  proof: {
    proofRequestProbability: 1,
    proofRequirementThreshold: upokt(20_000_000),
    proofMissingPenalty: upokt(250_000),
    proofSubmissionFee: upokt(10_000),
  },
  tokenomics: {
    mintAllocationPercentages: DISTRIBUTION,
    daoRewardAddress: DAO,
    globalInflationPerClaim: 0.1,
    mintEqualsBurnClaimDistribution: DISTRIBUTION,
    mintRatio: 0.975,
    overservicingBonusMultiplier: 1n,
  },
};

/** A state at a height, with these params and nothing else. */
export function stateAt(store: StateStore, height: bigint, params: Partial<ModuleParams> = {}): ForkedState {
  const state = fork(store.latest(), { height, timeNs: height * 1_000_000_000n });
  const all = { ...MODULE_PARAMS, ...params };
  for (const name of Object.keys(all) as (keyof ModuleParams)[]) setLiveParams(state, name, all[name]);
  return state;
}

/** A context that keeps what is told. */
export function recorder(state: ForkedState): { ctx: BlockContext; events: ChainEvent[] } {
  const events: ChainEvent[] = [];
  const ctx = {
    height: state.height,
    timeMs: Number(state.timeNs / 1_000_000n),
    emit: (event: ChainEvent) => void events.push(event),
  };
  return { ctx, events };
}

export const addService = (state: ForkedState, id: string, computeUnitsPerRelay = 1000n): void =>
  state.services.set(id, Service.create({ id, name: id, computeUnitsPerRelay, ownerAddress: SERVICE_OWNER }));

type Shares = readonly { readonly address: string; readonly revSharePercentage: bigint }[];

/** A supplier of one service, its own owner. */
export function addSupplier(
  state: ForkedState,
  serviceId: string,
  address: string,
  { stake = 3_000_000n, revShare = [{ address, revSharePercentage: 100n }] as Shares } = {},
): void {
  state.suppliers.set(
    address,
    Supplier.create({ ownerAddress: address, operatorAddress: address, stake: upokt(stake) }),
  );
  const entry = {
    operatorAddress: address,
    service: {
      serviceId,
      endpoints: [{ url: "http://127.0.0.1:8180", rpcType: 3, configs: [] }],
      revShare,
    },
    activationHeight: 1n,
    deactivationHeight: 0n,
  };
  state.serviceConfigs.set(serviceConfigKey(entry), entry);
}

export function addApplication(
  state: ForkedState,
  address: string,
  { serviceId, stake, ...rest }: { serviceId: string; stake: bigint } & Omit<Partial<Application>, "stake">,
): void {
  state.applications.set(address, {
    address,
    stake: upokt(stake),
    serviceConfigs: [{ serviceId }],
    delegateeGatewayAddresses: [],
    pendingUndelegations: new Map(),
    unstakeSessionEndHeight: 0n,
    pendingTransfer: undefined,
    perSessionSpendLimit: undefined,
    serviceConfigHistory: [],
    ...rest,
  });
}
