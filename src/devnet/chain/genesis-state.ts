import { moduleAddress } from "../../chain/protocol/address.ts";
import type { Genesis } from "../genesis.ts";
import { serviceConfigKey } from "../keys.ts";
import { type ChainState, type ModuleName, setLiveParams } from "../state.ts";
import { AUTHORITY, MODULES } from "./accounts.ts";
import { amountOf } from "./coins.ts";

/** Fills an empty state: accounts first, by number, then those of the modules, whose balances cover the stakes (chain 12). */
export function writeGenesis(state: ChainState, genesis: Genesis): void {
  for (const name of Object.keys(genesis.params) as ModuleName[])
    setLiveParams(state, name, genesis.params[name]);
  let accountNumber = 0n;
  for (const { address, publicKey, balance } of genesis.accounts) {
    state.accounts.set(address, { address, accountNumber, sequence: 0n, publicKey, module: undefined });
    state.balances.set(address, balance);
    accountNumber++;
  }
  for (const [name, permissions] of Object.entries(MODULES)) {
    const address = moduleAddress(name);
    const module = { name, permissions };
    state.accounts.set(address, { address, accountNumber, sequence: 0n, publicKey: undefined, module });
    accountNumber++;
  }
  state.grants.set(`${genesis.governor.address}/${AUTHORITY}`, true);
  for (const service of genesis.services) state.services.set(service.id, { ...service, metadata: undefined });
  for (const gateway of genesis.gateways) state.gateways.set(gateway.address, gateway);
  for (const application of genesis.applications) state.applications.set(application.address, application);
  for (const supplier of genesis.suppliers) state.suppliers.set(supplier.operatorAddress, supplier);
  for (const config of genesis.serviceConfigs) state.serviceConfigs.set(serviceConfigKey(config), config);
  for (const validator of genesis.validators) state.validators.set(validator.operatorAddress, validator);
  coverStakes(state, "gateway", genesis.gateways);
  coverStakes(state, "application", genesis.applications);
  coverStakes(state, "supplier", genesis.suppliers);
}

function coverStakes(
  state: ChainState,
  module: string,
  staked: readonly { readonly stake: Parameters<typeof amountOf>[0] }[],
): void {
  const total = staked.reduce((sum, { stake }) => sum + amountOf(stake), 0n);
  state.balances.set(moduleAddress(module), total);
}
