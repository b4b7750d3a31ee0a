import { RpcType } from "../../chain/proto/shared.ts";
import type { BackendKind } from "../config/backends.ts";

/** The number that stands for a kind of relay in the Rpc-Type header and in staked endpoints (relay-path 1.5, 6.1). */
export const RPC_TYPES: Readonly<Record<BackendKind, number>> = {
  jsonrpc: RpcType.jsonRpc,
  rest: RpcType.rest,
  cometbft: RpcType.cometBft,
  websocket: RpcType.websocket,
  grpc: RpcType.grpc,
};
