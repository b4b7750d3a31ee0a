import { AppError } from "../../base/errors.ts";
import {
  MsgDelegateToGateway,
  MsgStakeApplication,
  MsgUndelegateFromGateway,
  MsgUnstakeApplication,
} from "../../chain/proto/application.ts";
import { type Any, MsgSend } from "../../chain/proto/cosmos.ts";
import { MsgStakeGateway, MsgUnstakeGateway } from "../../chain/proto/gateway.ts";
import { RpcType } from "../../chain/proto/shared.ts";
import { MsgStakeSupplier, MsgUnstakeSupplier } from "../../chain/proto/supplier.ts";
import { toAny } from "../../chain/protocol/tx/message.ts";
import { upokt } from "../chain/coins.ts";
import { type Args, text, texts, whole } from "./args.ts";

type Addresses = (nameOrAddress: string) => string;

function kindOf(args: Args): "supplier" | "application" | "gateway" {
  const kind = text(args, "kind");
  if (kind === "supplier" || kind === "application" || kind === "gateway") return kind;
  throw new AppError("USAGE", `"kind" is supplier, application or gateway, not ${kind}`);
}

/** `{kind, name, stake, services: [id], url?}`: the name's own stake; a supplier serves all services at one URL. */
export function stakeMessage(args: Args, addressOf: Addresses): Any {
  const address = addressOf(text(args, "name"));
  const stake = upokt(whole(args, "stake"));
  const services = texts(args, "services").map((serviceId) => ({ serviceId }));
  const kind = kindOf(args);
  if (kind === "gateway") return toAny(MsgStakeGateway, { address, stake });
  if (kind === "application") return toAny(MsgStakeApplication, { address, stake, services });
  const url = services.length === 0 ? "" : text(args, "url");
  return toAny(MsgStakeSupplier, {
    signer: address,
    ownerAddress: address,
    operatorAddress: address,
    stake,
    services: services.map(({ serviceId }) => ({
      serviceId,
      endpoints: [{ url, rpcType: RpcType.jsonRpc, configs: [] }],
      revShare: [{ address, revSharePercentage: 100n }],
    })),
  });
}

/** `{kind, name}`. */
export function unstakeMessage(args: Args, addressOf: Addresses): Any {
  const address = addressOf(text(args, "name"));
  const kind = kindOf(args);
  if (kind === "gateway") return toAny(MsgUnstakeGateway, { address });
  if (kind === "application") return toAny(MsgUnstakeApplication, { address });
  return toAny(MsgUnstakeSupplier, { signer: address, operatorAddress: address });
}

/** `{name, gateway}`, of the application with that name. */
export const delegateMessage = (args: Args, addressOf: Addresses): Any =>
  toAny(MsgDelegateToGateway, {
    appAddress: addressOf(text(args, "name")),
    gatewayAddress: addressOf(text(args, "gateway")),
  });

/** `{name, gateway}`, of the application with that name. */
export const undelegateMessage = (args: Args, addressOf: Addresses): Any =>
  toAny(MsgUndelegateFromGateway, {
    appAddress: addressOf(text(args, "name")),
    gatewayAddress: addressOf(text(args, "gateway")),
  });

/** `{name, to, amount}`. */
export const sendMessage = (args: Args, addressOf: Addresses): Any =>
  toAny(MsgSend, {
    fromAddress: addressOf(text(args, "name")),
    toAddress: addressOf(text(args, "to")),
    amount: [upokt(whole(args, "amount"))],
  });
