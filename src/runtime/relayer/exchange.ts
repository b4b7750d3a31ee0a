import type { Presence } from "./presence.ts";
import type { Reject } from "./rejects.ts";

/** What carried a relay to us. */
export type Transport = "http" | "grpc" | "grpc_web" | "websocket";

/** An answer that goes out in pieces. */
export type StreamedReply = {
  /** False when the client does not keep up: `whenDrained` tells when there is room again. What is written all the same is kept. */
  readonly write: (bytes: Uint8Array) => boolean;
  /** Calls `act` once. */
  readonly whenDrained: (act: () => void) => void;
  /** The answer is whole. */
  readonly end: () => void;
  /** Leaves the answer in a state in which the client sees that it is not whole. */
  readonly breakOff: () => void;
};

/** One request of a client, whatever carried it. A transport makes it and hands it to relay.ts; it knows no step. */
export type Exchange = {
  readonly transport: Transport;
  /** The serialized RelayRequest. */
  readonly body: Uint8Array;
  /** The Rpc-Type header: a number, a backend's name, or absent (relay-path 6.2, step 7). */
  readonly rpcType: string | undefined;
  /** One header of the outer request, by its lower-case name. */
  header(name: string): string | undefined;
  /** The outer request's `Pocket-*` headers, lower-case names. */
  pocketHeaders(): readonly (readonly [string, string])[];
  readonly client: Presence;
  /** Milliseconds of the monotonic clock when the request was there. */
  readonly receivedAt: number;
  /**
   * Answers with a serialized, signed RelayResponse; `retries`: how often the backend was asked again (go-peers 1.1, T15). Over HTTP its
   * type is what the request accepts, or `contentType`.
   */
  reply(response: Uint8Array, retries: number, contentType?: string): void;
  /** Answers with a status and headers (lower-case names) of our own choosing, and then with pieces. */
  stream(status: number, headers: readonly (readonly [string, string])[]): StreamedReply;
  refuse(reject: Reject): void;
};
