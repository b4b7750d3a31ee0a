import { toError } from "../../../base/errors.ts";
import { PoktHttpRequest } from "../../../chain/proto/http-envelope.ts";
import { RelayRequest } from "../../../chain/proto/service.ts";
import type { SessionHeader } from "../../../chain/proto/session.ts";
import { requestProblem } from "../../../chain/protocol/validate.ts";
import type { Exchange } from "../exchange.ts";
import { Reject } from "../rejects.ts";

/** A relay as the client meant it: decoded once, looked at by every step. */
export type DecodedRelay = {
  readonly request: RelayRequest;
  readonly header: SessionHeader;
  readonly supplier: string;
  readonly inner: PoktHttpRequest;
};

/** The chain's are SHA3-256 in hex (relay-path 5.2). Anything else is no session, and must not become a key, a label or a log line. */
const SESSION_ID = /^[0-9a-f]{64}$/;

/** Bytes to a basically valid request (relay-path 5.5) with a readable HTTP envelope. Throws Reject bad_request, missing_supplier. */
export function decode(exchange: Exchange): DecodedRelay {
  const request = read(() => RelayRequest.decode(exchange.body));
  const { sessionHeader, supplierOperatorAddress } = request.meta;
  if (sessionHeader !== undefined && supplierOperatorAddress === "") throw new Reject("missing_supplier");
  const problem = requestProblem(request);
  if (problem !== undefined || sessionHeader === undefined) throw new Reject("bad_request", problem);
  if (!SESSION_ID.test(sessionHeader.sessionId))
    throw new Reject("bad_request", "the session id is not valid");
  const inner = read(() => PoktHttpRequest.decode(request.payload));
  return { request, header: sessionHeader, supplier: supplierOperatorAddress, inner };
}

function read<Value>(decoder: () => Value): Value {
  try {
    return decoder();
  } catch (thrown) {
    throw new Reject("bad_request", undefined, { cause: toError(thrown) });
  }
}
