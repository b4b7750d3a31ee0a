import { bytes, type Codec, int64, message, string, uint64 } from "./wire.ts";

/** An entry of the queue between relayer and miner (relay-path 1.9). */
export type MinedRelayMessage = {
  readonly relayHash: Uint8Array;
  readonly relayBytes: Uint8Array;
  readonly computeUnitsPerRelay: bigint;
  readonly sessionId: string;
  readonly sessionEndHeight: bigint;
  readonly supplierOperatorAddress: string;
  readonly serviceId: string;
  readonly applicationAddress: string;
  readonly arrivalBlockHeight: bigint;
  readonly publishedAtUnixNano: bigint;
  readonly sessionStartHeight: bigint;
};
export const MinedRelayMessage: Codec<MinedRelayMessage> = message<MinedRelayMessage>(
  "pocket.ha.MinedRelayMessage",
  {
    relayHash: bytes(1),
    relayBytes: bytes(2),
    computeUnitsPerRelay: uint64(3),
    sessionId: string(4),
    sessionEndHeight: int64(5),
    supplierOperatorAddress: string(6),
    serviceId: string(7),
    applicationAddress: string(8),
    arrivalBlockHeight: int64(9),
    publishedAtUnixNano: int64(10),
    sessionStartHeight: int64(11),
  },
);
