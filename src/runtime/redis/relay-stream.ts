import type { Clock } from "../../base/clock.ts";
import { AppError, toError } from "../../base/errors.ts";
import { MinedRelayMessage } from "../../chain/proto/mined-relay.ts";
import type { RedisClient } from "./client.ts";
import { msToNs } from "./go-time.ts";
import type { Keys } from "./keys.ts";
import { textOf } from "./reply.ts";

/** The one field of a stream entry: the message's protobuf bytes (relay-path 9.2). */
export const ENTRY_FIELD = "data";

/** A relay as it is published, and as a spool keeps it until it is: publishing the same entry again is the same relay. */
export type RelayEntry = { readonly supplier: string; readonly data: Uint8Array };

/**
 * Encodes a mined relay, stamped with the time of publication.
 * Throws AppError RELAY_UNPUBLISHABLE when it names no session, session end or supplier, as Go's publisher does.
 */
export function encodeEntry(message: MinedRelayMessage, clock: Clock): RelayEntry {
  if (message.sessionId === "" || message.sessionEndHeight <= 0n || message.supplierOperatorAddress === "")
    throw new AppError("RELAY_UNPUBLISHABLE", "a mined relay without session or supplier", {
      session: message.sessionId,
      supplier: message.supplierOperatorAddress,
    });
  const stamped = { ...message, publishedAtUnixNano: msToNs(clock.now()) };
  return { supplier: message.supplierOperatorAddress, data: MinedRelayMessage.encode(stamped) };
}

export type RelayPublisher = {
  /**
   * Appends to the supplier's stream and resolves with the entry's id. After REDIS_TIMEOUT or an unknown outcome publish the same
   * entry again: the relay's hash is its leaf key, so a double entry is one leaf.
   */
  publish(entry: RelayEntry): Promise<string>;
};

/** A Go relayer that starts later sets a time to live of hours: it is taken off again long before it ends. */
const KEEP_MS = 60_000;

/**
 * The stream never expires: a Go publisher sets a time to live when it starts, and unread relays would go with it (go-peers 1.19, 10),
 * so this takes it off again, once a minute for each stream it writes to; our reader does the same as long as it runs.
 */
export function relayPublisher(
  redis: RedisClient,
  keys: Keys,
  clock: Pick<Clock, "monotonic">,
): RelayPublisher {
  const kept = new Map<string, number>();
  return {
    publish: async ({ supplier, data }) => {
      const stream = keys.stream(supplier);
      const id = await redis.send("XADD", stream, "*", ENTRY_FIELD, data);
      const now = clock.monotonic();
      const last = kept.get(stream);
      if (last === undefined || now >= last + KEEP_MS) {
        kept.set(stream, now);
        // The relay is stored by now: a failure here must not look like a failed publish.
        redis.send("PERSIST", stream).catch(() => kept.delete(stream));
      }
      return textOf(id);
    },
  };
}

/** An entry as read: a relay, or why it is none. */
export type StreamEntry =
  | { readonly id: string; readonly message: MinedRelayMessage; readonly problem?: undefined }
  | { readonly id: string; readonly problem: string; readonly message?: undefined };

const SESSION_ID = /^[A-Za-z0-9_.-]{1,128}$/;

/** Never throws: whatever is in the stream must not stop the entries behind it. */
export function decodeEntry(
  supplier: string,
  id: string,
  fields: ReadonlyMap<string, Uint8Array>,
): StreamEntry {
  const data = fields.get(ENTRY_FIELD);
  if (data === undefined) return { id, problem: "no field named data" };
  try {
    const message = MinedRelayMessage.decode(data);
    const problem = messageProblem(supplier, message);
    return problem === undefined ? { id, message } : { id, problem };
  } catch (thrown) {
    return { id, problem: toError(thrown).message };
  }
}

function messageProblem(supplier: string, message: MinedRelayMessage): string | undefined {
  if (!SESSION_ID.test(message.sessionId)) return "no usable session id";
  if (message.sessionEndHeight <= 0n) return "no session end height";
  if (message.supplierOperatorAddress !== supplier) return "a relay of another supplier";
  if (message.relayBytes.length === 0) return "no relay";
  return undefined;
}
