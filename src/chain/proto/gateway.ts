import { Coin } from "./cosmos.ts";
import { Metadata } from "./shared.ts";
import { type Codec, embedded, message, required, string, uint64 } from "./wire.ts";

/** Signs relays for the applications that delegated to it (relay-path 1.4). */
export type Gateway = {
  readonly address: string;
  readonly stake: Coin | undefined;
  readonly unstakeSessionEndHeight: bigint;
  readonly metadata: Metadata | undefined;
};
export const Gateway: Codec<Gateway> = message<Gateway>("pocket.gateway.Gateway", {
  address: string(1),
  stake: embedded(2, Coin),
  unstakeSessionEndHeight: uint64(3),
  metadata: embedded(4, Metadata),
});

export type GatewayParams = { readonly minStake: Coin | undefined };
export const GatewayParams: Codec<GatewayParams> = message<GatewayParams>("pocket.gateway.Params", {
  minStake: embedded(1, Coin),
});

export type MsgStakeGateway = { readonly address: string; readonly stake: Coin | undefined };
export const MsgStakeGateway: Codec<MsgStakeGateway> = message<MsgStakeGateway>(
  "pocket.gateway.MsgStakeGateway",
  { address: string(1), stake: embedded(2, Coin) },
);

export type MsgUnstakeGateway = { readonly address: string };
export const MsgUnstakeGateway: Codec<MsgUnstakeGateway> = message<MsgUnstakeGateway>(
  "pocket.gateway.MsgUnstakeGateway",
  { address: string(1) },
);

/** A whole new set of params, sent by the chain's authority (chain 10). */
export type MsgUpdateGatewayParams = { readonly authority: string; readonly params: GatewayParams };
export const MsgUpdateGatewayParams: Codec<MsgUpdateGatewayParams> = message<MsgUpdateGatewayParams>(
  "pocket.gateway.MsgUpdateParams",
  { authority: string(1), params: required(2, GatewayParams) },
);
