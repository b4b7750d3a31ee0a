import { Coin } from "./cosmos.ts";
import { SessionHeader } from "./session.ts";
import {
  bytes,
  type Codec,
  embedded,
  int64,
  message,
  optional,
  required,
  string,
  uint32,
  uint64,
} from "./wire.ts";

/** The session, the supplier asked and the ring signature of a request. */
export type RelayRequestMetadata = {
  readonly sessionHeader: SessionHeader | undefined;
  readonly signature: Uint8Array;
  readonly supplierOperatorAddress: string;
};
export const RelayRequestMetadata: Codec<RelayRequestMetadata> = message<RelayRequestMetadata>(
  "pocket.service.RelayRequestMetadata",
  { sessionHeader: embedded(1, SessionHeader), signature: bytes(2), supplierOperatorAddress: string(3) },
);

/** The payload is a PoktHttpRequest, or the raw frame of a WebSocket (relay-path 1.1). */
export type RelayRequest = { readonly meta: RelayRequestMetadata; readonly payload: Uint8Array };
export const RelayRequest: Codec<RelayRequest> = message<RelayRequest>("pocket.service.RelayRequest", {
  meta: required(1, RelayRequestMetadata),
  payload: bytes(2),
});

/** The session and the supplier's signature of a response. */
export type RelayResponseMetadata = {
  readonly sessionHeader: SessionHeader | undefined;
  readonly supplierOperatorSignature: Uint8Array;
};
export const RelayResponseMetadata: Codec<RelayResponseMetadata> = message<RelayResponseMetadata>(
  "pocket.service.RelayResponseMetadata",
  { sessionHeader: embedded(1, SessionHeader), supplierOperatorSignature: bytes(2) },
);

export type RelayMinerError = {
  readonly codespace: string;
  readonly code: number;
  readonly description: string;
  readonly message: string;
};
export const RelayMinerError: Codec<RelayMinerError> = message<RelayMinerError>(
  "pocket.service.RelayMinerError",
  { codespace: string(1), code: uint32(2), description: string(3), message: string(4) },
);

/**
 * The payload is a PoktHttpResponse, or the raw frame of a WebSocket. A payload hash that is there but empty
 * counts as set: the signature then leaves the payload out (relay-path 2.2).
 */
export type RelayResponse = {
  readonly meta: RelayResponseMetadata;
  readonly payload: Uint8Array;
  readonly relayMinerError: RelayMinerError | undefined;
  readonly payloadHash: Uint8Array | undefined;
};
export const RelayResponse: Codec<RelayResponse> = message<RelayResponse>("pocket.service.RelayResponse", {
  meta: required(1, RelayResponseMetadata),
  payload: bytes(2),
  relayMinerError: embedded(3, RelayMinerError),
  payloadHash: optional(bytes(4)),
});

/** What is mined: a request and its response without payload (relay-path 2.3). */
export type Relay = { readonly req: RelayRequest | undefined; readonly res: RelayResponse | undefined };
export const Relay: Codec<Relay> = message<Relay>("pocket.service.Relay", {
  req: embedded(1, RelayRequest),
  res: embedded(2, RelayResponse),
});

/** Relays of the service count when their hash is below `targetHash`, 32 bytes (relay-path 2.4). */
export type RelayMiningDifficulty = {
  readonly serviceId: string;
  readonly blockHeight: bigint;
  readonly numRelaysEma: bigint;
  readonly targetHash: Uint8Array;
};
export const RelayMiningDifficulty: Codec<RelayMiningDifficulty> = message<RelayMiningDifficulty>(
  "pocket.service.RelayMiningDifficulty",
  { serviceId: string(1), blockHeight: int64(2), numRelaysEma: uint64(3), targetHash: bytes(4) },
);

/** A difficulty that is in force from a height on. */
export type RelayMiningDifficultyUpdate = {
  readonly effectiveHeight: bigint;
  readonly difficulty: RelayMiningDifficulty | undefined;
};
export const RelayMiningDifficultyUpdate: Codec<RelayMiningDifficultyUpdate> =
  message<RelayMiningDifficultyUpdate>("pocket.service.RelayMiningDifficultyUpdate", {
    effectiveHeight: int64(1),
    difficulty: embedded(2, RelayMiningDifficulty),
  });

/** A price that is in force from a height on. */
export type ServiceComputeUnitsPerRelayUpdate = {
  readonly effectiveHeight: bigint;
  readonly serviceId: string;
  readonly computeUnitsPerRelay: bigint;
};
export const ServiceComputeUnitsPerRelayUpdate: Codec<ServiceComputeUnitsPerRelayUpdate> =
  message<ServiceComputeUnitsPerRelayUpdate>("pocket.service.ServiceComputeUnitsPerRelayUpdate", {
    effectiveHeight: int64(1),
    serviceId: string(2),
    computeUnitsPerRelay: uint64(3),
  });

export type ServiceParams = { readonly addServiceFee: Coin | undefined; readonly targetNumRelays: bigint };
export const ServiceParams: Codec<ServiceParams> = message<ServiceParams>("pocket.service.Params", {
  addServiceFee: embedded(1, Coin),
  targetNumRelays: uint64(2),
});

/** A whole new set of params, sent by the chain's authority (chain 10). */
export type MsgUpdateServiceParams = { readonly authority: string; readonly params: ServiceParams };
export const MsgUpdateServiceParams: Codec<MsgUpdateServiceParams> = message<MsgUpdateServiceParams>(
  "pocket.service.MsgUpdateParams",
  { authority: string(1), params: required(2, ServiceParams) },
);
