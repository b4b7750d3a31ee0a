import { randomUUID } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import { AppError, toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { RedisConnections } from "./connect.ts";
import type { Keys } from "./keys.ts";
import { decodeJsonObject, type JsonObject } from "./own-json.ts";
import type { Unsubscribe } from "./subscriptions.ts";

/** Something an operator asks every replica to do ("invalidate", "drain", …). */
export type Command = {
  readonly name: string;
  readonly args: JsonObject;
  /** Ids of the replicas that are meant; absent: all. Others keep silent. */
  readonly to?: readonly string[];
};

export type Ack = {
  readonly id: string;
  readonly role: string;
  /** From the request to this answer. */
  readonly ms: number;
  /** What went wrong on the replica; undefined when it did what was asked. */
  readonly error: string | undefined;
  /** Of an expected error: its code, and its reason where it has one. */
  readonly code: string | undefined;
  readonly why: string | undefined;
  /** What the command came to, where it comes to something. */
  readonly result: JsonObject | undefined;
};

export type Acks = {
  readonly acks: readonly Ack[];
  /** Expected replicas that did not answer in time. */
  readonly missing: readonly string[];
};

export type AckRequest = {
  readonly command: Command;
  /** Ids of the live replicas (heartbeat.ts). Answers of others count too, but nobody waits for them. */
  readonly expected: readonly string[];
  readonly timeoutMs: number;
  /** Who asks, for the audit entry. */
  readonly by: string;
};

const AUDIT_KEPT = 10_000;

export type Requester = {
  /** Asks, waits for all expected answers or the time limit, and leaves an audit entry. */
  requestAcks(request: AckRequest): Promise<Acks>;
};

export type OpenRequester = { readonly redis: RedisConnections; readonly keys: Keys; readonly clock: Clock };

export function openRequester({ redis, keys, clock }: OpenRequester): Requester {
  const { commands, subscriptions } = redis;
  const requestAcks = async ({ command, expected, timeoutMs, by }: AckRequest): Promise<Acks> => {
    const id = randomUUID();
    const acks = new Map<string, Ack>();
    const complete = new AbortController();
    const isComplete = () => expected.every((replica) => acks.has(replica));
    let start = clock.monotonic();
    const unsubscribe = await subscriptions.subscribe(keys.acksChannel(id), {
      onMessage: (payload) => {
        const ack = readAck(payload, clock.monotonic() - start);
        if (ack) acks.set(ack.id, ack);
        if (isComplete()) complete.abort();
      },
    });
    try {
      start = clock.monotonic();
      await commands.send("PUBLISH", keys.commandsChannel, JSON.stringify({ id, ...command }));
      if (!isComplete()) await clock.sleep(timeoutMs, complete.signal);
    } finally {
      unsubscribe();
    }
    const missing = expected.filter((replica) => !acks.has(replica));
    const entry = [
      "command",
      command.name,
      "args",
      JSON.stringify(command.args),
      "by",
      by,
      "acks",
      acks.size,
    ];
    await commands.send(
      "XADD",
      keys.audit,
      "MAXLEN",
      "~",
      AUDIT_KEPT,
      "*",
      ...entry,
      "missing",
      missing.join(","),
    );
    return { acks: [...acks.values()], missing };
  };
  return { requestAcks };
}

function readAck(payload: string, ms: number): Ack | undefined {
  const json = decodeJsonObject(payload);
  if (typeof json?.["id"] !== "string" || typeof json["role"] !== "string") return undefined;
  const text = (value: unknown) => (typeof value === "string" ? value : undefined);
  const { error, code, why, result } = json;
  return {
    id: json["id"],
    role: json["role"],
    ms,
    error: text(error),
    code: text(code),
    why: text(why),
    result: isObject(result) ? result : undefined,
  };
}

export type Replica = {
  readonly redis: RedisConnections;
  readonly keys: Keys;
  readonly logger: Logger;
  readonly id: string;
  readonly role: string;
  /** Does what is asked. A JSON object that it resolves with is in the answer, what it throws is the answer's error. An unknown command is to be refused. */
  readonly onCommand: (command: Command) => Promise<unknown>;
};

/** The replica's side: obeys and answers. A request made while Redis is away is not obeyed, and its sender sees us missing. */
export function answerCommands({ redis, keys, logger, id, role, onCommand }: Replica): Promise<Unsubscribe> {
  const obey = async (payload: string) => {
    const json = decodeJsonObject(payload);
    const [requestId, name, args] = [json?.["id"], json?.["name"], json?.["args"]];
    if (typeof requestId !== "string" || typeof name !== "string") return;
    const to = json?.["to"];
    if (Array.isArray(to) && !to.includes(id)) return;
    const answer = await answerOf(name, () => onCommand({ name, args: isObject(args) ? args : {} }), logger);
    await redis.commands.send(
      "PUBLISH",
      keys.acksChannel(requestId),
      JSON.stringify({ id, role, ...answer }),
    );
  };
  return redis.subscriptions.subscribe(keys.commandsChannel, {
    onMessage: (payload) => {
      obey(payload).catch((thrown) =>
        logger.warn({ error: toError(thrown).message }, "a command was not answered"),
      );
    },
  });
}

async function answerOf(name: string, act: () => Promise<unknown>, logger: Logger) {
  try {
    return { result: await act() };
  } catch (thrown) {
    const error = toError(thrown).message;
    logger.error({ command: name, error }, "a command failed");
    if (!(thrown instanceof AppError)) return { error };
    const { why } = thrown.fields;
    return { error, code: thrown.code, ...(typeof why === "string" && { why }) };
  }
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
