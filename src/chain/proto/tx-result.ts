import { Any } from "./cosmos.ts";
import { bool, bytes, type Codec, embedded, message, repeated, string, uint64 } from "./wire.ts";

export type EventAttribute = { readonly key: string; readonly value: string; readonly index: boolean };
export const EventAttribute: Codec<EventAttribute> = message<EventAttribute>(
  "tendermint.abci.EventAttribute",
  { key: string(1), value: string(2), index: bool(3) },
);

/** Something that a transaction or a block made known. */
export type Event = { readonly type: string; readonly attributes: readonly EventAttribute[] };
export const Event: Codec<Event> = message<Event>("tendermint.abci.Event", {
  type: string(1),
  attributes: repeated(2, EventAttribute),
});

/** `data` of an executed transaction: the response of each message. */
export type TxMsgData = { readonly msgResponses: readonly Any[] };
export const TxMsgData: Codec<TxMsgData> = message<TxMsgData>("cosmos.base.abci.v1beta1.TxMsgData", {
  msgResponses: repeated(2, Any),
});

export type GasInfo = { readonly gasWanted: bigint; readonly gasUsed: bigint };
export const GasInfo: Codec<GasInfo> = message<GasInfo>("cosmos.base.abci.v1beta1.GasInfo", {
  gasWanted: uint64(1),
  gasUsed: uint64(2),
});

/** What a simulated transaction did; `data` is a TxMsgData (chain 4.4). */
export type Result = {
  readonly data: Uint8Array;
  readonly log: string;
  readonly events: readonly Event[];
  readonly msgResponses: readonly Any[];
};
export const Result: Codec<Result> = message<Result>("cosmos.base.abci.v1beta1.Result", {
  data: bytes(1),
  log: string(2),
  events: repeated(3, Event),
  msgResponses: repeated(4, Any),
});

export type SimulateRequest = { readonly txBytes: Uint8Array };
export const SimulateRequest: Codec<SimulateRequest> = message<SimulateRequest>(
  "cosmos.tx.v1beta1.SimulateRequest",
  { txBytes: bytes(2) },
);

export type SimulateResponse = { readonly gasInfo: GasInfo | undefined; readonly result: Result | undefined };
export const SimulateResponse: Codec<SimulateResponse> = message<SimulateResponse>(
  "cosmos.tx.v1beta1.SimulateResponse",
  { gasInfo: embedded(1, GasInfo), result: embedded(2, Result) },
);
