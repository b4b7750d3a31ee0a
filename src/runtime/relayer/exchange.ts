import type { Presence } from "./presence.ts";
import type { Reject } from "./rejects.ts";

/** What carried a relay to us. */
export type Transport = "http" | "grpc" | "grpc_web" | "websocket";

/** One request of a client, whatever carried it. A transport makes it and hands it to relay.ts; it knows no step. */
export type Exchange = {
  readonly transport: Transport;
  /** The serialized RelayRequest. */
  readonly body: Uint8Array;
  /** The Rpc-Type header: a number, a backend's name, or absent (relay-path 6.2, step 7). */
  readonly rpcType: string | undefined;
  /** One header of the outer request, by its lower-case name. */
  readonly header: (name: string) => string | undefined;
  /** The outer request's `Pocket-*` headers, lower-case names. */
  readonly pocketHeaders: () => readonly (readonly [string, string])[];
  readonly client: Presence;
  /** Milliseconds of the monotonic clock when the request was there. */
  readonly receivedAt: number;
  /** Answers with a serialized, signed RelayResponse. */
  readonly reply: (response: Uint8Array) => void;
  readonly refuse: (reject: Reject) => void;
};
