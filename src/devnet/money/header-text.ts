import type { SessionHeader } from "../../chain/proto/session.ts";
import { isServiceId } from "../../chain/protocol/validate.ts";
import { addressProblem } from "../chain/bech32-problem.ts";

const MAX_SERVICE_ID = 42;

/** What is wrong with a session header, in the chain's words and order; undefined if nothing is (chain 7.1). */
export function headerText(header: SessionHeader): string | undefined {
  const address = addressProblem(header.applicationAddress);
  if (address !== undefined)
    return `invalid session header: ${quoted(header.applicationAddress)}; (${address}): invalid application address for session`;
  if (header.sessionId === "") return 'invalid session header: "": invalid sessionId';
  const service = serviceText(header.serviceId);
  if (service !== undefined) return `invalid session header: ${service}: invalid service ID`;
  if (header.sessionStartBlockHeight <= 0n)
    return "invalid session header: sessions can only start at height 1 or greater: invalid block height for session";
  if (header.sessionEndBlockHeight <= header.sessionStartBlockHeight)
    return "invalid session header: session end block height cannot be less than or equal to session start block height: invalid block height for session";
  return undefined;
}

function serviceText(serviceId: string): string | undefined {
  if (serviceId === "") return "empty service ID";
  if (serviceId.length > MAX_SERVICE_ID)
    return `service ID '${serviceId}' exceeds maximum length: ${MAX_SERVICE_ID}`;
  return isServiceId(serviceId) ? undefined : `service ID '${serviceId}' contains invalid characters`;
}

/** As Go's %q prints the texts that occur here. */
export const quoted = (text: string): string => JSON.stringify(text);
