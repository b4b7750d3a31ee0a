import { AppError } from "../base/errors.ts";
import type { Application } from "../chain/proto/application.ts";
import type { Gateway } from "../chain/proto/gateway.ts";
import type { ServiceConfigUpdate, Supplier } from "../chain/proto/shared.ts";
import { isAddress } from "../chain/protocol/address.ts";
import { type GasPrice, parseGasPrice } from "../chain/protocol/tx/fee.ts";
import { upokt } from "./chain/coins.ts";
import { sharedParamsProblem } from "./chain/params-update.ts";
import { type Identity, identityOf } from "./genesis/identities.ts";
import { moduleParams } from "./genesis/params.ts";
import { parseGenesisText } from "./genesis/parse.ts";
import type { GenesisFile } from "./genesis/schema.ts";
import type { ModuleParams, Validator } from "./state.ts";

export type GenesisAccount = Identity & { readonly balance: bigint };

/** Where a devnet starts, with all names resolved to addresses. */
export type Genesis = {
  readonly chainId: string;
  readonly seed: string;
  readonly blockTimeMs: number;
  /** Unix milliseconds; undefined: when the chain starts. */
  readonly genesisTimeMs: number | undefined;
  readonly minGasPrice: GasPrice;
  readonly params: ModuleParams;
  /** In the order of their account numbers. The `governor` may change params and is always there. */
  readonly accounts: readonly GenesisAccount[];
  readonly governor: GenesisAccount;
  readonly services: readonly {
    readonly id: string;
    readonly name: string;
    readonly computeUnitsPerRelay: bigint;
    readonly ownerAddress: string;
  }[];
  readonly gateways: readonly Gateway[];
  readonly applications: readonly Application[];
  readonly suppliers: readonly Supplier[];
  readonly serviceConfigs: readonly ServiceConfigUpdate[];
  readonly validators: readonly Validator[];
};

/** Reads a genesis file's text. Throws AppError GENESIS_INVALID with the line of every problem. */
export const parseGenesis = (text: string, path?: string): Genesis => resolve(parseGenesisText(text, path));

const fail = (message: string): AppError => new AppError("GENESIS_INVALID", message);

function resolve(file: GenesisFile): Genesis {
  const people = new People(file);
  const governor = people.join({ name: "governor" });
  const dao = people.join({ name: "dao" });
  const sourceOwner = people.join({ name: "source-owner" });
  const gateways = file.gateways.map((given) => gateway(people, given));
  const suppliers = file.suppliers.map((given) => supplier(people, given));
  const genesis: Genesis = {
    chainId: file.chain_id,
    seed: file.seed,
    blockTimeMs: file.block_time_ms,
    genesisTimeMs: file.genesis_time === undefined ? undefined : Date.parse(file.genesis_time),
    minGasPrice: parseGasPrice(file.min_gas_price),
    params: moduleParams(file.params, dao.address),
    services: file.services.map(({ id, name, compute_units_per_relay, owner }) => ({
      id,
      name: name ?? id,
      computeUnitsPerRelay: compute_units_per_relay,
      ownerAddress: owner === undefined ? sourceOwner.address : people.addressOf(owner),
    })),
    gateways,
    applications: file.applications.map((given) => application(people, given)),
    suppliers: suppliers.map((each) => each.record),
    serviceConfigs: suppliers.flatMap((each) => each.configs),
    validators: (
      file.validators ?? [{ name: "validator", commission: "0.1", tokens: 900_000_000n, delegations: {} }]
    ).map((given) => validator(people, given)),
    accounts: people.all(),
    governor,
  };
  check(genesis);
  return genesis;
}

type Person = {
  readonly name: string;
  readonly key?: string | undefined;
  readonly balance?: bigint | undefined;
};

/** Everybody that the file names, first all of `accounts`, then the others as they come. */
class People {
  readonly #file: GenesisFile;
  readonly #byName = new Map<string, GenesisAccount>();

  constructor(file: GenesisFile) {
    this.#file = file;
    for (const person of [...file.accounts, ...file.gateways, ...file.applications, ...file.suppliers])
      this.#add(person);
    for (const person of file.validators ?? []) this.#add(person);
  }

  /** The person of that name, who is made if the file does not have one. */
  join(person: Person): GenesisAccount {
    return this.#byName.get(person.name) ?? this.#add(person);
  }

  /** Of a name, or the text itself if it is an address. Throws AppError GENESIS_INVALID for a stranger. */
  addressOf(nameOrAddress: string): string {
    const known = this.#byName.get(nameOrAddress)?.address;
    if (known !== undefined) return known;
    if (isAddress(nameOrAddress)) return nameOrAddress;
    throw fail(`"${nameOrAddress}" is neither a name in this genesis nor an address`);
  }

  all(): readonly GenesisAccount[] {
    return [...this.#byName.values()];
  }

  #add(person: Person): GenesisAccount {
    if (this.#byName.has(person.name)) throw fail(`the name "${person.name}" is given twice`);
    const account = {
      ...identityOf(person, this.#file.seed),
      balance: person.balance ?? this.#file.balance,
    };
    if (this.all().some(({ address }) => address === account.address))
      throw fail(`"${person.name}" has the address of another one: ${account.address}`);
    this.#byName.set(person.name, account);
    return account;
  }
}

const gateway = (people: People, { name, stake }: GenesisFile["gateways"][number]): Gateway => ({
  address: people.addressOf(name),
  stake: upokt(stake),
  unstakeSessionEndHeight: 0n,
  metadata: undefined,
});

const application = (people: People, given: GenesisFile["applications"][number]): Application => ({
  address: people.addressOf(given.name),
  stake: upokt(given.stake),
  serviceConfigs: given.services.map((serviceId) => ({ serviceId })),
  delegateeGatewayAddresses: given.gateways.map((name) => people.addressOf(name)),
  pendingUndelegations: new Map(),
  unstakeSessionEndHeight: 0n,
  pendingTransfer: undefined,
  perSessionSpendLimit:
    given.per_session_spend_limit === undefined ? undefined : upokt(given.per_session_spend_limit),
  serviceConfigHistory: [],
});

/** Without history its services begin with block 1 (chain 12). */
function supplier(people: People, given: GenesisFile["suppliers"][number]) {
  const operatorAddress = people.addressOf(given.name);
  const ownerAddress = given.owner === undefined ? operatorAddress : people.addressOf(given.owner);
  const record: Supplier = {
    ownerAddress,
    operatorAddress,
    stake: upokt(given.stake),
    services: [],
    unstakeSessionEndHeight: 0n,
    serviceConfigHistory: [],
  };
  const configs = given.services.map(({ id, endpoints, rev_share }): ServiceConfigUpdate => {
    const shares = rev_share ?? { [ownerAddress]: 100n };
    const service = {
      serviceId: id,
      endpoints: endpoints.map(({ url, rpc_type }) => ({ url, rpcType: rpc_type, configs: [] })),
      revShare: Object.entries(shares).map(([who, percent]) => ({
        address: people.addressOf(who),
        revSharePercentage: percent,
      })),
    };
    return { operatorAddress, service, activationHeight: 1n, deactivationHeight: 0n };
  });
  return { record, configs };
}

type GivenValidator = Pick<
  NonNullable<GenesisFile["validators"]>[number],
  "name" | "commission" | "tokens" | "delegations"
>;

function validator(people: People, { name, commission, tokens, delegations }: GivenValidator): Validator {
  const { address } = people.join({ name });
  return {
    operatorAddress: address,
    accountAddress: address,
    commissionRate: commission,
    delegations: [
      { address, tokens },
      ...Object.entries(delegations).map(([who, theirs]) => ({
        address: people.addressOf(who),
        tokens: theirs,
      })),
    ],
  };
}

function check({ params, services, applications, serviceConfigs }: Genesis): void {
  const problem = sharedParamsProblem(params.shared);
  if (problem !== undefined) throw fail(`params.shared: ${problem}`);
  const known = new Set(services.map(({ id }) => id));
  if (known.size < services.length) throw fail("a service id is given twice");
  for (const { address, serviceConfigs: wanted } of applications)
    for (const { serviceId } of wanted)
      if (!known.has(serviceId))
        throw fail(`the application ${address} names the unknown service "${serviceId}"`);
  for (const { operatorAddress, service } of serviceConfigs) {
    if (!known.has(service?.serviceId ?? ""))
      throw fail(`the supplier ${operatorAddress} names the unknown service "${service?.serviceId}"`);
    const percent = service?.revShare.reduce((sum, share) => sum + share.revSharePercentage, 0n);
    if (percent !== 100n)
      throw fail(
        `the revenue shares of supplier ${operatorAddress} for ${service?.serviceId} add up to ${percent}, not 100`,
      );
  }
}
