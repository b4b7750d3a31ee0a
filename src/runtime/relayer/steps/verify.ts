import { digestOfRequest } from "../../../chain/protocol/request-bytes.ts";
import type { Heights } from "../heights.ts";
import { Reject } from "../rejects.ts";
import type { PreparedSession, Sessions } from "../sessions.ts";
import type { VerifyRingSoon } from "../verify-pool/job.ts";
import type { DecodedRelay } from "./decode.ts";

export type VerifyDependencies = {
  readonly sessions: Sessions;
  readonly heights: Heights;
  readonly verifyRing: VerifyRingSoon;
};

/**
 * Is this relay one the chain will pay for: the session is the chain's and not over, the supplier is in it, an allowed key signed
 * (relay-path 5.6). Throws Reject; session_unknown when the chain cannot be asked, overloaded when
 * too many signatures wait.
 */
export async function verify(
  relay: DecodedRelay,
  { sessions, heights, verifyRing }: VerifyDependencies,
): Promise<PreparedSession> {
  const session = await sessions.prepare(relay.header);
  if (heights.current > session.lastHeight) throw new Reject("session_expired");
  if (!session.suppliers.has(relay.supplier)) throw new Reject("supplier_not_in_session");
  relay.digest ??= digestOfRequest(relay.request);
  const { digest } = relay;
  const { signature } = relay.request;
  const ring = await sessions.ring(session);
  const job = { ring, digest, signature, account: relay.header.applicationAddress };
  const verdict = await verifyRing(job);
  if (verdict.ok) return session;
  const fresh = await sessions.refreshedRing(session, ring);
  if (fresh !== undefined && (await verifyRing({ ...job, ring: fresh })).ok) return session;
  throw new Reject("signature_invalid", undefined, { fields: { why: verdict.reason } });
}
