import type { BackendConfig } from "../../config/backends.ts";
import type { BackendLoad } from "../backends/backend.ts";
import type { EndpointState } from "../backends/endpoint-set.ts";
import type { Presence } from "../presence.ts";

/** One message of a WebSocket. TEXT frames may hold bytes that are no text (relay-path 6.6), so none is ever made a string. */
export type Frame = { readonly data: Uint8Array; readonly isBinary: boolean };

/** How a WebSocket ended. */
export type Ending = {
  /** "closed": its peer closed it with this code. "broken": it was lost, or what came was no WebSocket; the code names what we saw. */
  readonly how: "closed" | "broken";
  readonly code: number;
  readonly reason: string;
};

/** What happens at one end of a bridge. */
export type EndEvents = {
  readonly frame: (frame: Frame) => void;
  /** Once, unless `close` was called before. */
  readonly ended: (ending: Ending) => void;
  /** More waits to be sent than is good (true), or it does not any more (false). */
  readonly full: (isFull: boolean) => void;
};

/** One WebSocket of a bridge, whatever serves it. */
export type End = {
  /** Frames are read from now on; what came before was kept. */
  listen(events: EndEvents): void;
  /** Does nothing once it is over. */
  send(frame: Frame): void;
  /** Reads nothing more for as long as there is a reason. */
  hold(reason: "work" | "peer" | "end", isHeld: boolean): void;
  /** Tells the peer, and waits for it only so long. No event comes after this. */
  close(code: number, reason: string): void;
};

/** What to send a backend's WebSocket with, and whether anybody still wants it. */
export type Dialling = {
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly client: Presence;
};

/** The WebSocket backend of a service. */
export type WebSocketBackend = {
  readonly config: BackendConfig;
  /** Its endpoints and how they are. */
  states(): readonly EndpointState[];
  /** Its connections, against how many there may be. */
  load(): BackendLoad;
  /** A connection to one endpoint, or to another when that cannot be had. Throws Reject: backend_error, backend_down, client_gone. */
  dial(dialling: Dialling): Promise<End>;
};
