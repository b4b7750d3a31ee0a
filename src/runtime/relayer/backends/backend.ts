import type { Closable } from "../../../base/close-stack.ts";
import type { BackendConfig } from "../../config/backends.ts";
import type { Presence } from "../presence.ts";
import type { EndpointState } from "./endpoint-set.ts";

export type BackendRequest = {
  readonly method: string;
  /** The inner request's URL; only its path and query are used. */
  readonly url: string;
  readonly headers: Record<string, string | string[]>;
  readonly body: Uint8Array;
  readonly client: Presence;
};

export type BackendAnswer = {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
  /** The endpoint's name in the configuration. */
  readonly endpoint: string;
};

/** A backend of a service that gives one answer to one request, whatever it speaks. */
export type Backend = Closable & {
  readonly config: BackendConfig;
  /** Its endpoints and how they are; for /ready/<service>, metrics and the heartbeat. */
  states(): readonly EndpointState[];
  /**
   * One answer of a backend, whole. Throws Reject: bad_request (method, path), overloaded, backend_timeout, backend_error, backend_down,
   * client_gone.
   * A status of 500 and above is an answer here.
   */
  ask(request: BackendRequest): Promise<BackendAnswer>;
};
