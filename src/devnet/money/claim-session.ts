import type { SessionHeader } from "../../chain/proto/session.ts";
import { getSession } from "../chain/sessions.ts";
import { type GrpcClass, HandlerError } from "../context.ts";
import type { ChainState } from "../state.ts";
import { quoted } from "./header-text.ts";

/** The header of a claim or proof message. Throws HandlerError of the class given. */
export function headerOf(
  { sessionHeader }: { readonly sessionHeader: SessionHeader | undefined },
  failAs: GrpcClass,
): SessionHeader {
  if (sessionHeader !== undefined) return sessionHeader;
  throw new HandlerError(failAs, "session header is nil: invalid session header");
}

/**
 * The chain's own header of the session that a given one names by application, service and start, if its id is right and the supplier is
 * in the session; the end is not compared (chain 7.1, 7.2). Throws HandlerError of the class given.
 */
export function sessionOf(
  state: ChainState,
  supplier: string,
  given: SessionHeader,
  failAs: GrpcClass,
): SessionHeader {
  const { applicationAddress, serviceId, sessionId, sessionStartBlockHeight: height } = given;
  const { header, suppliers } = getSession(state, { applicationAddress, serviceId, height }, failAs);
  if (header === undefined) throw new TypeError("a session without a header");
  if (header.sessionId !== sessionId)
    throw new HandlerError(
      failAs,
      `session ID does not match onchain session ID; expected ${quoted(header.sessionId)}, got ${quoted(sessionId)}: invalid session ID`,
    );
  if (!suppliers.some(({ operatorAddress }) => operatorAddress === supplier))
    throw new HandlerError(
      failAs,
      `supplier operator address ${quoted(supplier)} not found in session ID ${quoted(sessionId)}: supplier not found`,
    );
  return header;
}
