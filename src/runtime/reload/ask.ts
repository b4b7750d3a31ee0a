import { z } from "zod";
import type { Clock } from "../../base/clock.ts";
import { AppError } from "../../base/errors.ts";
import { type Ack, openRequester } from "../redis/commands.ts";
import type { RedisConnections } from "../redis/connect.ts";
import type { Keys } from "../redis/keys.ts";
import { RELOAD_COMMAND } from "./command.ts";

type Ask = {
  readonly redis: RedisConnections;
  readonly keys: Keys;
  readonly clock: Clock;
  /** Processes that are running. */
  readonly live: readonly { readonly id: string; readonly role: string }[];
  /** Ids; empty: every one. */
  readonly only: readonly string[];
  readonly dryRun: boolean;
  readonly timeoutMs: number;
  /** Who asks, for the audit entry. */
  readonly by: string;
};

const answer = z.object({
  result: z.enum(["applied", "unchanged", "would_apply"]),
  changes: z.array(
    z.object({ setting: z.string(), before: z.string().optional(), after: z.string().optional() }),
  ),
  added: z.array(z.string()),
  removed: z.array(z.string()),
});

export type ReplicaReload = {
  readonly id: string;
  readonly role: string;
  /** How it went; undefined when it did not answer, or refused. */
  readonly done?: z.output<typeof answer>;
  readonly refused?: { readonly code: string; readonly what: string; readonly why: string | undefined };
};

/**
 * Has running processes take their configuration and keys anew, and waits for what each says. Throws AppError REPLICA_UNKNOWN before
 * anything is asked, and the AppErrors of Redis.
 */
export async function askToReload(given: Ask): Promise<readonly ReplicaReload[]> {
  const { redis, keys, clock, live, only, dryRun, timeoutMs, by } = given;
  const asked = only.length === 0 ? live : only.map((id) => liveOf(id, live));
  if (asked.length === 0)
    throw new AppError("REPLICA_UNKNOWN", "no relayer or miner is running on this Redis", {
      todo: "Look at --redis, --config or --localnet: is it the fleet's Redis and namespace?",
    });
  const ids = asked.map(({ id }) => id);
  const { acks } = await openRequester({ redis, keys, clock }).requestAcks({
    command: { name: RELOAD_COMMAND, args: { dryRun }, to: ids },
    expected: ids,
    timeoutMs,
    by,
  });
  const byId = new Map(acks.map((ack) => [ack.id, ack]));
  return asked.map(({ id, role }) => outcomeOf(id, role, byId.get(id)));
}

function liveOf(id: string, live: Ask["live"]) {
  const found = live.find((replica) => replica.id === id);
  if (found !== undefined) return found;
  throw new AppError("REPLICA_UNKNOWN", `no process named "${id}" is running`, {
    why: live.length === 0 ? "none is" : `these are: ${live.map((replica) => replica.id).join(", ")}`,
  });
}

function outcomeOf(id: string, role: string, ack: Ack | undefined): ReplicaReload {
  if (ack === undefined) return { id, role };
  const done = answer.safeParse(ack.result);
  if (ack.error === undefined && done.success) return { id, role, done: done.data };
  const what = ack.error ?? "it answered in a way that this version does not know";
  return { id, role, refused: { code: ack.code ?? "UNEXPECTED", what, why: ack.why } };
}
