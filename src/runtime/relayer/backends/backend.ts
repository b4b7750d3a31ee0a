import type { Closable } from "../../../base/close-stack.ts";
import type { BackendConfig } from "../../config/backends.ts";
import type { Presence } from "../presence.ts";
import type { Reject } from "../rejects.ts";
import type { EndpointState } from "./endpoint-set.ts";

export type BackendRequest = {
  readonly method: string;
  /** The inner request's URL; only its path and query are used. */
  readonly url: string;
  readonly headers: Record<string, string | string[]>;
  readonly body: Uint8Array;
  readonly client: Presence;
  /** No other endpoint is tried when the first one fails. */
  readonly once?: boolean;
  /** Content types whose answers are wanted as they come; their status is below 500, and nothing has encoded them. */
  readonly streamed?: ReadonlySet<string> | undefined;
};

/** Who reads a body as it comes. */
export type BodyReader = {
  readonly chunk: (bytes: Buffer) => void;
  /** Nothing more comes. With a reason, the body is not whole: backend_error, backend_timeout. */
  readonly over: (reject: Reject | undefined) => void;
};

/** The body of an answer as it comes. It stands still until it is read, and whoever has it must read it or break it off. */
export type StreamedBody = {
  readonly read: (reader: BodyReader) => void;
  readonly pause: () => void;
  readonly resume: () => void;
  /** Ends the request; the reader hears nothing more. */
  readonly breakOff: () => void;
};

export type BackendAnswer = {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: readonly (readonly [string, string])[];
  /** Empty when the answer is streamed. */
  readonly body: Uint8Array;
  readonly stream?: StreamedBody | undefined;
  /** The endpoint's name in the configuration. */
  readonly endpoint: string;
  /** How often it was tried again at another endpoint. */
  readonly retries: number;
};

/** How busy a backend is. */
export type BackendLoad = {
  /** Requests that its endpoints have now. */
  readonly inFlight: number;
  /** How many they may have at once. */
  readonly capacity: number;
  /** Requests that wait for their turn. */
  readonly waiting: number;
  /** Connections that are open. */
  readonly open: number;
};

/** A backend of a service that gives one answer to one request, whatever it speaks. */
export type Backend = Closable & {
  readonly config: BackendConfig;
  /** Its endpoints and how they are; for /ready/<service>, metrics and the heartbeat. */
  states(): readonly EndpointState[];
  load(): BackendLoad;
  /** Before anything is spent on a relay: throws Reject backend_down, backend_saturated when it would be refused anyway. */
  requireRoom(): void;
  /**
   * One answer of a backend: whole, or from its head on if it is one of those wanted as they come. Throws Reject: bad_request (method,
   * path), overloaded, backend_saturated, backend_timeout, backend_error, backend_down, response_too_large, client_gone. A status of 500
   * and above is an answer here.
   */
  ask(request: BackendRequest): Promise<BackendAnswer>;
};
