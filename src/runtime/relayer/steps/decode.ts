import { LRUCache } from "lru-cache";
import { toLatin1 } from "../../../base/bytes.ts";
import { toError } from "../../../base/errors.ts";
import { PoktHttpRequest } from "../../../chain/proto/http-envelope.ts";
import { SessionHeader } from "../../../chain/proto/session.ts";
import { heightsPlausible } from "../../../chain/protocol/arrival.ts";
import { openRequest, type RequestBytes } from "../../../chain/protocol/request-bytes.ts";
import { isServiceId, sessionHeaderProblem, signedProblem } from "../../../chain/protocol/validate.ts";
import type { Exchange } from "../exchange.ts";
import { Reject } from "../rejects.ts";

/** A relay as the client meant it: decoded once, looked at by every step. Its payload is whatever its transport carries. */
export type DecodedRelay = {
  readonly request: RequestBytes;
  /** The same object for every relay of a session, for as long as it is remembered. */
  readonly header: SessionHeader;
  readonly supplier: string;
  /** What the ring signature signs, and the name of that signature (ring/identity.ts): each made when it is first needed. */
  digest?: Uint8Array;
  identity?: Uint8Array | undefined;
};

/** A relay whose payload is an HTTP request. */
export type HttpRelay = DecodedRelay & { readonly inner: PoktHttpRequest };

export type Decode = {
  /** With a readable HTTP envelope. */
  http(exchange: Pick<Exchange, "body">): HttpRelay;
  /** With a payload that goes to the backend as it is, and is not empty: what a handshake signs must not be a message as well. */
  message(bytes: Uint8Array): DecodedRelay;
  /** The request that a handshake signs, which has no payload (relay-path 6.6). */
  handshake(bytes: Uint8Array): DecodedRelay;
};

/** The chain's are SHA3-256 in hex (relay-path 5.2). Anything else is no session, and must not become a key, a label or a log line. */
const SESSION_ID = /^[0-9a-f]{64}$/;
const MAX_HEADERS = 4_096;

/**
 * Bytes to a basically valid request (relay-path 5.5). Each throws Reject bad_request for what cannot be read or says not whom it is for,
 * missing_supplier, unknown_service, implausible_heights, and for the rest session_invalid and signature_invalid: the Go peer answers what
 * it can read and does not find valid as it answers a bad signature (relay-path 5.6).
 * Remembers the headers of sessions: they are the same bytes in each of their relays.
 */
export function decoder(): Decode {
  const headers = new LRUCache<string, SessionHeader>({ max: MAX_HEADERS });
  return {
    http: ({ body }) => {
      const { request, header, supplier } = opened(body, headers);
      return { request, header, supplier, inner: read(() => PoktHttpRequest.decode(request.payload)) };
    },
    message: (bytes) => withPayload(opened(bytes, headers)),
    handshake: (bytes) => opened(bytes, headers),
  };
}

/** Throws Reject bad_request when there is none. */
export function withPayload(relay: DecodedRelay): DecodedRelay {
  if (relay.request.payload.length === 0) throw new Reject("bad_request", "the message is empty");
  return relay;
}

function opened(bytes: Uint8Array, headers: LRUCache<string, SessionHeader>): DecodedRelay {
  const request = read(() => openRequest(bytes));
  const supplier = toLatin1(request.supplier);
  if (request.header !== undefined && supplier === "") throw new Reject("missing_supplier");
  const header = headerOf(request.header, headers);
  const problem = signedProblem(request.signature, supplier);
  if (problem !== undefined) throw new Reject("signature_invalid", problem);
  return { request, header, supplier };
}

/** The same without judging what the request says: only that it can be read. Throws Reject bad_request. */
export function decodeUnchecked({ body }: Pick<Exchange, "body">): HttpRelay {
  const relay = openedUnchecked(body);
  return { ...relay, inner: read(() => PoktHttpRequest.decode(relay.request.payload)) };
}

/** The same of a message, or of what a handshake signs. Throws Reject bad_request. */
export function openedUnchecked(bytes: Uint8Array): DecodedRelay {
  const request = read(() => openRequest(bytes));
  const { header } = request;
  if (header === undefined) throw new Reject("bad_request", "no session header");
  return {
    request,
    header: read(() => SessionHeader.decode(header)),
    supplier: toLatin1(request.supplier),
  };
}

function headerOf(bytes: Uint8Array | undefined, known: LRUCache<string, SessionHeader>): SessionHeader {
  const name = bytes === undefined ? "" : toLatin1(bytes);
  const held = known.get(name);
  if (held !== undefined) return held;
  if (bytes === undefined) throw new Reject("bad_request", "no session header");
  const header = read(() => SessionHeader.decode(bytes));
  requireValid(header);
  known.set(name, header);
  return header;
}

function requireValid(header: SessionHeader): void {
  const { serviceId, sessionId, sessionStartBlockHeight: start, sessionEndBlockHeight: end } = header;
  if (serviceId === "") throw new Reject("bad_request", "no service id");
  if (!isServiceId(serviceId)) throw new Reject("unknown_service");
  if (!heightsPlausible({ start, end }, 0n)) throw new Reject("implausible_heights");
  const problem = sessionHeaderProblem(header);
  if (problem !== undefined) throw new Reject("session_invalid", problem);
  if (!SESSION_ID.test(sessionId)) throw new Reject("session_invalid", "its id is not valid");
}

function read<Value>(decode: () => Value): Value {
  try {
    return decode();
  } catch (thrown) {
    throw new Reject("bad_request", undefined, { cause: toError(thrown) });
  }
}
