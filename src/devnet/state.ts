import type { Application, ApplicationParams } from "../chain/proto/application.ts";
import type { Gateway, GatewayParams } from "../chain/proto/gateway.ts";
import type { Claim, Proof, ProofParams } from "../chain/proto/proof.ts";
import type {
  RelayMiningDifficulty,
  RelayMiningDifficultyUpdate,
  ServiceComputeUnitsPerRelayUpdate,
  ServiceParams,
} from "../chain/proto/service.ts";
import type { SessionParams, SessionParamsUpdate } from "../chain/proto/session.ts";
import type {
  Service,
  ServiceConfigUpdate,
  SharedParams,
  SharedParamsUpdate,
  Supplier,
} from "../chain/proto/shared.ts";
import type { SupplierParams } from "../chain/proto/supplier.ts";
import type { TokenomicsParams } from "../chain/proto/tokenomics.ts";
import { Overlay, type Table, VersionedTable } from "./table.ts";

export type Account = {
  readonly address: string;
  readonly accountNumber: bigint;
  readonly sequence: bigint;
  /** Compressed, 33 bytes; absent until the account's first transaction. */
  readonly publicKey: Uint8Array | undefined;
  readonly module: { readonly name: string; readonly permissions: readonly string[] } | undefined;
};

/** A bonded validator: rewards of block proposers go to these (chain 8.5). */
export type Validator = {
  readonly operatorAddress: string;
  readonly accountAddress: string;
  /** A decimal such as "0.1". */
  readonly commissionRate: string;
  readonly delegations: readonly { readonly address: string; readonly tokens: bigint }[];
};

/** The params in force now, by module. */
export type ModuleParams = {
  readonly shared: SharedParams;
  readonly session: SessionParams;
  readonly application: ApplicationParams;
  readonly gateway: GatewayParams;
  readonly supplier: SupplierParams;
  readonly service: ServiceParams;
  readonly proof: ProofParams;
  readonly tokenomics: TokenomicsParams;
};
export type ModuleName = keyof ModuleParams;

/** What the tables hold. Keys stand behind each; heights in keys are `sortable`. */
type Content = {
  /** address */
  readonly accounts: Account;
  /** address → upokt */
  readonly balances: bigint;
  /** address */
  readonly applications: Application;
  /** address */
  readonly gateways: Gateway;
  /** operator address; without services and history, which are in serviceConfigs */
  readonly suppliers: Supplier;
  /** service/activation height/operator, see serviceConfigKey */
  readonly serviceConfigs: ServiceConfigUpdate;
  /** operator address of suppliers that the chain will remove; a slash below the minimum does not enter here (chain 11.3) */
  readonly unstakingSuppliers: true;
  /** service id; computeUnitsPerRelay is the live price */
  readonly services: Service;
  /** module name */
  readonly params: ModuleParams[ModuleName];
  /** effective height */
  readonly sharedHistory: SharedParamsUpdate;
  /** effective height */
  readonly sessionHistory: SessionParamsUpdate;
  /** service/effective height, see atHeightKey */
  readonly cuprHistory: ServiceComputeUnitsPerRelayUpdate;
  /** service id; the live record */
  readonly difficulties: RelayMiningDifficulty;
  /** service/effective height, see atHeightKey */
  readonly difficultyHistory: RelayMiningDifficultyUpdate;
  /** height; the hash of block h is there from the end of block h on */
  readonly blockHashes: Uint8Array;
  /** session id/supplier, see claimKey */
  readonly claims: Claim;
  /** session end/session id/supplier; an upsert with another end leaves the old entry behind (chain 7.1) */
  readonly claimEnds: true;
  /** session id/supplier, see claimKey */
  readonly proofs: Proof;
  /** timeout in ns/signer */
  readonly nonces: true;
  /** operator address */
  readonly validators: Validator;
  /** grantee/granter: the first may act for the second in a MsgExec (chain 10) */
  readonly grants: true;
};
type TableName = keyof Content;

const TABLES: readonly TableName[] = [
  "accounts",
  "balances",
  "applications",
  "gateways",
  "suppliers",
  "serviceConfigs",
  "unstakingSuppliers",
  "services",
  "params",
  "sharedHistory",
  "sessionHistory",
  "cuprHistory",
  "difficulties",
  "difficultyHistory",
  "blockHashes",
  "claims",
  "claimEnds",
  "proofs",
  "nonces",
  "validators",
  "grants",
];

type Tables = { readonly [Name in TableName]: Table<Content[Name]> };

/**
 * The whole state of the chain as a block, transaction or query sees it. `height` and `timeNs` are those of its context:
 * the block being executed, or the last one that was committed.
 */
export type ChainState = Tables & {
  readonly chainId: string;
  readonly height: bigint;
  /** Block time, Unix nanoseconds. */
  readonly timeNs: bigint;
};

/** A state whose changes can be thrown away: nothing reaches the state below until `commit`. */
export type ForkedState = ChainState & { commit(): void };

/** Where a block, transaction or message works on a state of its own; drop it to revert. */
export function fork(state: ChainState, at: { height?: bigint; timeNs?: bigint } = {}): ForkedState {
  const overlays = TABLES.map((name) => [name, new Overlay<unknown>(state[name] as Table<unknown>)] as const);
  return {
    ...(Object.fromEntries(overlays) as unknown as Tables),
    chainId: state.chainId,
    height: at.height ?? state.height,
    timeNs: at.timeNs ?? state.timeNs,
    commit: () => {
      for (const [, overlay] of overlays) overlay.commit();
    },
  };
}

/** The params of a module that are in force now. */
export const liveParams = <Name extends ModuleName>(state: ChainState, module: Name): ModuleParams[Name] => {
  const params = state.params.get(module);
  if (params === undefined) throw new TypeError(`the genesis has no params of ${module}`);
  return params as ModuleParams[Name];
};

export const setLiveParams = <Name extends ModuleName>(
  state: ChainState,
  module: Name,
  params: ModuleParams[Name],
): void => state.params.set(module, params);

/** All committed states, of which the last `keep` heights can be read. */
export class StateStore {
  readonly #chainId: string;
  readonly #keep: bigint;
  readonly #tables = Object.fromEntries(TABLES.map((name) => [name, new VersionedTable<unknown>()]));
  readonly #timesNs = new Map<bigint, bigint>();
  #height = 0n;

  constructor(chainId: string, keep = 2000n) {
    this.#chainId = chainId;
    this.#keep = keep;
  }

  get height(): bigint {
    return this.#height;
  }

  /** The oldest height that can be read. */
  get oldest(): bigint {
    return this.#height > this.#keep ? this.#height - this.#keep : 0n;
  }

  /** The newest committed state: what the next block starts from. Changes go through a fork. */
  latest(): ChainState {
    return this.#view(this.#height, (table) => table);
  }

  /** The state after the block of that height; undefined outside oldest…height. */
  at(height: bigint): ChainState | undefined {
    if (height > this.#height || height < this.oldest) return undefined;
    return height === this.#height ? this.latest() : this.#view(height, (table) => table.at(height));
  }

  /** Makes a fork of `latest` the state after the block whose height and time the fork has. */
  commit(block: ForkedState): void {
    for (const table of Object.values(this.#tables)) table.open(block.height);
    block.commit();
    this.#height = block.height;
    this.#timesNs.set(block.height, block.timeNs);
    for (const table of Object.values(this.#tables)) table.prune(this.oldest);
    for (const height of this.#timesNs.keys())
      if (height < this.oldest) this.#timesNs.delete(height);
      else break;
  }

  #view(height: bigint, pick: (table: VersionedTable<unknown>) => Table<unknown>): ChainState {
    const tables = Object.entries(this.#tables).map(([name, table]) => [name, pick(table)]);
    return {
      ...(Object.fromEntries(tables) as unknown as Tables),
      chainId: this.#chainId,
      height,
      timeNs: this.#timesNs.get(height) ?? 0n,
    };
  }
}
