import type { Ending } from "./ends.ts";

/** Close codes of WebSocket relays, from relayer to client (relay-path 6.6). */
export const SESSION_OVER = 4000;
const BACKEND_FAILED = 4003;

const NORMAL = 1000;
export const GOING_AWAY = 1001;
const TOO_LARGE = 1009;
/** "No code was given": says so to us, and must not be sent. */
const NO_CODE = 1005;

/** What the backend is told when we close a client's connection with such a code (relay-path 6.6). */
const TOWARDS_BACKEND: Readonly<Record<number, number>> = {
  4000: 1001,
  4001: 1008,
  4002: 1013,
  4003: 1011,
  1009: 1001,
};

export const backendCode = (clientCode: number): number => TOWARDS_BACKEND[clientCode] ?? clientCode;

/** What the backend is told when the client's end is over: the client's own code, or that it went away. */
export function codeAfterClient({ how, code }: Ending): number {
  if (how === "broken") return GOING_AWAY;
  return code === NO_CODE ? NORMAL : code;
}

/** What the client is told when the backend's end is over: the backend's own code, or that the backend failed. */
export function codeAfterBackend({ how, code }: Ending): number {
  if (how === "closed") return code === NO_CODE ? NORMAL : code;
  return code === TOO_LARGE ? TOO_LARGE : BACKEND_FAILED;
}

/** Clients and backends choose codes from 3000 on as they like: no label for each. */
export const codeLabel = (code: number): string =>
  code < 3000 || (code >= 4000 && code <= 4003) ? String(code) : "other";

const MAX_REASON_BYTES = 123;

/** A close reason must fit into a control frame: cut to 123 bytes, between two characters. */
export function cutReason(reason: string): Buffer {
  const bytes = Buffer.from(reason, "utf8");
  if (bytes.length <= MAX_REASON_BYTES) return bytes;
  let end = MAX_REASON_BYTES;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end);
}
