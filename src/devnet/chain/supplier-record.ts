import type { ServiceConfigUpdate, Supplier, SupplierServiceConfig } from "../../chain/proto/shared.ts";
import type { ChainState } from "../state.ts";

/** Whether an entry counts at a height: from its activation on, until before its deactivation (relay-path 5.3). */
export const isActiveAt = (
  { activationHeight, deactivationHeight }: { activationHeight: bigint; deactivationHeight: bigint },
  height: bigint,
): boolean => activationHeight <= height && (deactivationHeight === 0n || height < deactivationHeight);

/** All entries of a supplier, by service id and activation height. */
export const configsOf = (state: ChainState, operatorAddress: string): ServiceConfigUpdate[] =>
  state.serviceConfigs.keys().flatMap((key) => {
    if (!key.endsWith(`/${operatorAddress}`)) return [];
    const entry = state.serviceConfigs.get(key);
    return entry === undefined ? [] : [entry];
  });

/** What a supplier serves at a height. */
export const servicesAt = (
  state: ChainState,
  operatorAddress: string,
  height: bigint,
): SupplierServiceConfig[] =>
  configsOf(state, operatorAddress).flatMap((entry) =>
    entry.service !== undefined && isActiveAt(entry, height) ? [entry.service] : [],
  );

/** The record with what it serves now and its history, as queries answer it. */
export const hydrated = (state: ChainState, supplier: Supplier): Supplier => ({
  ...supplier,
  services: servicesAt(state, supplier.operatorAddress, state.height),
  serviceConfigHistory: configsOf(state, supplier.operatorAddress),
});

/** Without revenue shares and history (chain 3.2). */
export const dehydrated = (state: ChainState, supplier: Supplier): Supplier => ({
  ...supplier,
  services: servicesAt(state, supplier.operatorAddress, state.height).map((config) => ({
    ...config,
    revShare: [],
  })),
  serviceConfigHistory: [],
});
