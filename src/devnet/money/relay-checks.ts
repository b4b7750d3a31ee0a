import type { Relay, RelayRequest, RelayResponse } from "../../chain/proto/service.ts";
import type { SessionHeader } from "../../chain/proto/session.ts";
import { headerText, quoted } from "./header-text.ts";

/**
 * What is wrong with a proven relay apart from signatures and difficulty, in the chain's order and words (chain 7.2). `header` is the
 * chain's own header of the session.
 */
export function relayText(relay: Relay, supplier: string, header: SessionHeader): string | undefined {
  const { req, res } = relay;
  return (
    requestText(req) ??
    supplierText(req, supplier) ??
    responseText(res) ??
    mismatchText(req?.meta.sessionHeader, header) ??
    mismatchText(res?.meta.sessionHeader, header)
  );
}

function requestText(request: RelayRequest | undefined): string | undefined {
  const suffix = "invalid relay request";
  const header = request?.meta.sessionHeader;
  if (header === undefined) return `missing session header: ${suffix}`;
  const problem = headerText(header);
  if (problem !== undefined) return `${problem}: ${suffix}`;
  if (request?.meta.signature.length === 0) return `missing application signature: ${suffix}`;
  if (request?.meta.supplierOperatorAddress === "")
    return `relay metadata missing supplier operator address: ${suffix}`;
  return undefined;
}

function supplierText(request: RelayRequest | undefined, supplier: string): string | undefined {
  if (request?.meta.supplierOperatorAddress === supplier) return undefined;
  return "supplier type mismatch: supplier operator address does not match the claim or proof";
}

function responseText(response: RelayResponse | undefined): string | undefined {
  const suffix = "invalid relay response";
  const header = response?.meta.sessionHeader;
  if (header === undefined) return `missing meta: ${suffix}`;
  const problem = headerText(header);
  if (problem !== undefined) return `${problem}: ${suffix}`;
  if (response?.meta.supplierOperatorSignature.length === 0)
    return `missing supplier operator signature: ${suffix}`;
  return undefined;
}

/** Application, service, start, end, id. */
function mismatchText(got: SessionHeader | undefined, expected: SessionHeader): string | undefined {
  const text = got === undefined ? undefined : firstMismatch(got, expected);
  return text === undefined ? undefined : `session headers ${text}: invalid relay`;
}

function firstMismatch(got: SessionHeader, expected: SessionHeader): string | undefined {
  if (got.applicationAddress !== expected.applicationAddress)
    return `application addresses mismatch; expect: ${quoted(expected.applicationAddress)}, got: ${quoted(got.applicationAddress)}`;
  if (got.serviceId !== expected.serviceId)
    return `service IDs mismatch; expected: ${quoted(expected.serviceId)}, got: ${quoted(got.serviceId)}`;
  if (got.sessionStartBlockHeight !== expected.sessionStartBlockHeight)
    return `session start heights mismatch; expected: ${expected.sessionStartBlockHeight}, got: ${got.sessionStartBlockHeight}`;
  if (got.sessionEndBlockHeight !== expected.sessionEndBlockHeight)
    return `session end heights mismatch; expected: ${expected.sessionEndBlockHeight}, got: ${got.sessionEndBlockHeight}`;
  if (got.sessionId !== expected.sessionId)
    return `session IDs mismatch; expected: ${quoted(expected.sessionId)}, got: ${quoted(got.sessionId)}`;
  return undefined;
}
