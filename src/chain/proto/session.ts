import { Application } from "./application.ts";
import { Supplier } from "./shared.ts";
import { type Codec, embedded, int64, message, repeated, required, string, uint64 } from "./wire.ts";

/** Which session a relay belongs to; `sessionId` is 64 lower case hex digits (relay-path 1.2). */
export type SessionHeader = {
  readonly applicationAddress: string;
  readonly serviceId: string;
  readonly sessionId: string;
  readonly sessionStartBlockHeight: bigint;
  readonly sessionEndBlockHeight: bigint;
};
export const SessionHeader: Codec<SessionHeader> = message<SessionHeader>("pocket.session.SessionHeader", {
  applicationAddress: string(1),
  serviceId: string(2),
  sessionId: string(3),
  sessionStartBlockHeight: int64(4),
  sessionEndBlockHeight: int64(5),
});

/** A session with its suppliers, which lack revenue shares and history (chain 3.2). */
export type Session = {
  readonly header: SessionHeader | undefined;
  readonly sessionId: string;
  readonly sessionNumber: bigint;
  readonly numBlocksPerSession: bigint;
  readonly application: Application | undefined;
  readonly suppliers: readonly Supplier[];
};
export const Session: Codec<Session> = message<Session>("pocket.session.Session", {
  header: embedded(1, SessionHeader),
  sessionId: string(2),
  sessionNumber: int64(3),
  numBlocksPerSession: int64(4),
  application: embedded(5, Application),
  suppliers: repeated(6, Supplier),
});

export type SessionParams = { readonly numSuppliersPerSession: bigint };
export const SessionParams: Codec<SessionParams> = message<SessionParams>("pocket.session.Params", {
  numSuppliersPerSession: uint64(3),
});

/** Params that are in force from a height on. */
export type SessionParamsUpdate = {
  readonly effectiveHeight: bigint;
  readonly params: SessionParams | undefined;
};
export const SessionParamsUpdate: Codec<SessionParamsUpdate> = message<SessionParamsUpdate>(
  "pocket.session.ParamsUpdate",
  { effectiveHeight: int64(1), params: embedded(2, SessionParams) },
);

/** A whole new set of params, sent by the chain's authority (chain 10). */
export type MsgUpdateSessionParams = { readonly authority: string; readonly params: SessionParams };
export const MsgUpdateSessionParams: Codec<MsgUpdateSessionParams> = message<MsgUpdateSessionParams>(
  "pocket.session.MsgUpdateParams",
  { authority: string(1), params: required(2, SessionParams) },
);
