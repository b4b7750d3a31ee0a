import { AppError, toError } from "../../base/errors.ts";
import type { MinedRelayMessage } from "../../chain/proto/mined-relay.ts";
import type { Leaf } from "../../smst/trie.ts";
import type { ChainData } from "../cache/chain-data.ts";
import type { SessionIdentity } from "../redis/session-record.ts";
import { sha256 } from "./sha256.ts";

export type Relay = { readonly id: string; readonly message: MinedRelayMessage };

/** Relays that say the same of their session. */
export type Group = { readonly session: SessionIdentity; readonly relays: readonly Relay[] };

/** What the chain says of a group's session. "unknown" whenever it could not be asked: such relays are neither applied nor put aside. */
export type Verdict =
  | { readonly kind: "good"; readonly units: bigint }
  | { readonly kind: "bad"; readonly reason: string }
  | { readonly kind: "unknown"; readonly error: Error };

/** By all that names a session, so that a relay with wrong heights or service spoils none but its like. */
export function bySession(relays: readonly Relay[]): readonly Group[] {
  const groups = new Map<string, { session: SessionIdentity; relays: Relay[] }>();
  let last: { session: SessionIdentity; relays: Relay[] } | undefined;
  for (const relay of relays) {
    if (last !== undefined && isOf(last.session, relay.message)) {
      last.relays.push(relay);
      continue;
    }
    const session = sessionOf(relay.message);
    const name = Object.values(session).join("|");
    const group = groups.get(name);
    if (group) group.relays.push(relay);
    last = group ?? { session, relays: [relay] };
    groups.set(name, last);
  }
  return [...groups.values()];
}

/** The relays in their order, cut where a batch would have more than `count` of them, or more than `bytes` in more than one of them. */
export function inBatches(relays: readonly Relay[], count: number, bytes: number): readonly Relay[][] {
  const batches: Relay[][] = [];
  let batch: Relay[] = [];
  let size = 0;
  for (const relay of relays) {
    const { length } = relay.message.relayBytes;
    if (batch.length === count || (batch.length > 0 && size + length > bytes)) {
      batches.push(batch);
      batch = [];
      size = 0;
    }
    batch.push(relay);
    size += length;
  }
  return batch.length > 0 ? [...batches, batch] : batches;
}

/**
 * Whether the session exists as its relays say, and what one of them weighs: one leaf of another session or weight would void the whole
 * claim (mining-path 3.4). Never throws.
 */
export async function judge(
  chain: Pick<ChainData, "session" | "computeUnitsPerRelayAt">,
  session: SessionIdentity,
): Promise<Verdict> {
  const { application, serviceId, startHeight } = session;
  try {
    const { header } = await chain.session(application, serviceId, startHeight);
    if (header === undefined) throw new AppError("CHAIN_BAD_ANSWER", "a session without header");
    if (
      header.sessionId !== session.sessionId ||
      header.sessionStartBlockHeight !== startHeight ||
      header.sessionEndBlockHeight !== session.endHeight
    )
      return { kind: "bad", reason: "not the session of its application, service and heights" };
    return { kind: "good", units: await chain.computeUnitsPerRelayAt(serviceId, startHeight) };
  } catch (thrown) {
    const error = toError(thrown);
    const refusal = noSuchSession(error);
    return refusal === undefined ? { kind: "unknown", error } : { kind: "bad", reason: refusal };
  }
}

/** The chain's words for a session that nobody can claim. A node that lags refuses in other words (chain 3.2). */
const NO_SUCH_SESSION = /could not find app with address|not staked for service ID/;

function noSuchSession(error: Error): string | undefined {
  if (!(error instanceof AppError) || error.code !== "CHAIN_REFUSED") return undefined;
  const log = String(error.fields["log"] ?? "");
  return NO_SUCH_SESSION.test(log) ? log : undefined;
}

/** The key is computed, not believed: a wrong one would be a leaf that cannot be proven. */
export const leavesOf = (relays: readonly Relay[]): readonly Leaf[] =>
  relays.map(({ message: { relayBytes, computeUnitsPerRelay } }) => ({
    key: sha256(relayBytes),
    value: relayBytes,
    weight: computeUnitsPerRelay,
  }));

/** Relays of one session mostly come one after the other: comparing costs less than making a name. */
const isOf = (session: SessionIdentity, message: MinedRelayMessage): boolean =>
  message.sessionId === session.sessionId &&
  message.supplierOperatorAddress === session.supplier &&
  message.serviceId === session.serviceId &&
  message.applicationAddress === session.application &&
  message.sessionStartHeight === session.startHeight &&
  message.sessionEndHeight === session.endHeight;

const sessionOf = (message: MinedRelayMessage): SessionIdentity => ({
  sessionId: message.sessionId,
  supplier: message.supplierOperatorAddress,
  serviceId: message.serviceId,
  application: message.applicationAddress,
  startHeight: message.sessionStartHeight,
  endHeight: message.sessionEndHeight,
});
