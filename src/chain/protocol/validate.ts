import type { RelayRequest, RelayResponse } from "../proto/service.ts";
import type { SessionHeader } from "../proto/session.ts";
import { isAddress } from "./address.ts";

const SERVICE_ID = /^[a-zA-Z0-9_-]{1,42}$/;

/** 1 to 42 letters, digits, `_` or `-` (relay-path 1.5). */
export const isServiceId = (text: string): boolean => SERVICE_ID.test(text);

/** What is wrong with a session header, or undefined (relay-path 5.5). */
export function sessionHeaderProblem(header: SessionHeader | undefined): string | undefined {
  if (header === undefined) return "no session header";
  if (!isAddress(header.applicationAddress)) return "the application address is not valid";
  if (header.sessionId === "") return "no session id";
  if (!isServiceId(header.serviceId)) return "the service id is not valid";
  if (header.sessionStartBlockHeight <= 0n) return "the session's start height is below 1";
  if (header.sessionEndBlockHeight <= header.sessionStartBlockHeight)
    return "the session's end height is not after its start height";
  return undefined;
}

/** What is wrong with a request, or undefined. The form of the supplier's address is not checked, as on chain (relay-path 5.5). */
export const requestProblem = ({ meta }: RelayRequest): string | undefined =>
  sessionHeaderProblem(meta.sessionHeader) ?? signedProblem(meta.signature, meta.supplierOperatorAddress);

/** What is wrong with the rest of a request's metadata, or undefined (relay-path 5.5). */
export function signedProblem(signature: Uint8Array, supplier: string): string | undefined {
  if (signature.length === 0) return "no signature";
  if (supplier.length === 0) return "no supplier operator address";
  return undefined;
}

/** What is wrong with a response, or undefined; its signature is only looked for, not checked (relay-path 5.5). */
export function responseProblem({ meta }: RelayResponse): string | undefined {
  const header = sessionHeaderProblem(meta.sessionHeader);
  if (header !== undefined) return header;
  if (meta.supplierOperatorSignature.length === 0) return "no supplier signature";
  return undefined;
}
