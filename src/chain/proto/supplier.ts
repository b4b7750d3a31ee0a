import { Coin } from "./cosmos.ts";
import { SupplierServiceConfig } from "./shared.ts";
import { type Codec, embedded, message, repeated, required, string } from "./wire.ts";

export type SupplierParams = {
  readonly minStake: Coin | undefined;
  readonly stakingFee: Coin | undefined;
};
export const SupplierParams: Codec<SupplierParams> = message<SupplierParams>("pocket.supplier.Params", {
  minStake: embedded(1, Coin),
  stakingFee: embedded(2, Coin),
});

/** Stakes a supplier, or changes its stake and services (chain 11.1). */
export type MsgStakeSupplier = {
  readonly signer: string;
  readonly ownerAddress: string;
  readonly operatorAddress: string;
  readonly stake: Coin | undefined;
  readonly services: readonly SupplierServiceConfig[];
};
export const MsgStakeSupplier: Codec<MsgStakeSupplier> = message<MsgStakeSupplier>(
  "pocket.supplier.MsgStakeSupplier",
  {
    signer: string(1),
    ownerAddress: string(2),
    operatorAddress: string(3),
    stake: embedded(4, Coin),
    services: repeated(5, SupplierServiceConfig),
  },
);

export type MsgUnstakeSupplier = { readonly signer: string; readonly operatorAddress: string };
export const MsgUnstakeSupplier: Codec<MsgUnstakeSupplier> = message<MsgUnstakeSupplier>(
  "pocket.supplier.MsgUnstakeSupplier",
  { signer: string(1), operatorAddress: string(2) },
);

/** A whole new set of params, sent by the chain's authority (chain 10). */
export type MsgUpdateSupplierParams = { readonly authority: string; readonly params: SupplierParams };
export const MsgUpdateSupplierParams: Codec<MsgUpdateSupplierParams> = message<MsgUpdateSupplierParams>(
  "pocket.supplier.MsgUpdateParams",
  { authority: string(1), params: required(2, SupplierParams) },
);
