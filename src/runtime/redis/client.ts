import type { Redis } from "ioredis";
import { AppError, toError } from "../../base/errors.ts";
import type { Script } from "./script.ts";

/** What a command takes: text, integers as decimal text, bytes as they are. */
export type Arg = string | number | bigint | Uint8Array;

/** What a command answers; every string is bytes (see reply.ts for readers). */
export type Reply = Uint8Array | number | null | readonly Reply[];

/**
 * One connection. A call rejects with AppError
 * - REDIS_UNREACHABLE: no connection, or it broke before the answer (`fields.outcome` is "unknown" when the command may have run),
 * - REDIS_TIMEOUT: no answer in time; the command may have run,
 * - REDIS_REFUSED: Redis said no; `fields.kind` is the first word of its error (OOM, MISCONF, NOPERM, WRONGTYPE, NOGROUP, …).
 * Nothing is sent twice, so every write in this folder is safe to repeat.
 */
export type RedisClient = {
  send(command: string, ...args: readonly Arg[]): Promise<Reply>;
  /** Runs a script atomically, by its hash, or by its text where Redis has forgotten it. */
  run(script: Script, keys: readonly string[], args: readonly Arg[]): Promise<Reply>;
};

const toWire = (arg: Arg): string | Buffer => {
  if (typeof arg === "string") return arg;
  if (typeof arg !== "object") return arg.toString();
  return Buffer.from(arg.buffer, arg.byteOffset, arg.byteLength);
};

/** `writes`: "together" for a connection with many callers: what they send in one turn of the event loop leaves in one write. */
export function clientOf(connection: Redis, writes: "together" | "at once" = "at once"): RedisClient {
  const gather = writes === "together" ? gathered(connection) : () => undefined;
  const send = (command: string, ...args: readonly Arg[]): Promise<Reply> => {
    gather();
    return (connection.callBuffer(command, args.map(toWire)) as Promise<Reply>).catch((thrown: unknown) => {
      throw redisError(thrown, command);
    });
  };
  return {
    send,
    run: (script, keys, args) =>
      send("EVALSHA", script.sha1, keys.length, ...keys, ...args).catch((thrown: unknown) => {
        if (!isRefused(thrown, "NOSCRIPT")) throw thrown;
        return send("EVAL", script.text, keys.length, ...keys, ...args);
      }),
  };
}

/** A write to a socket costs more than most commands: the socket is held back until the turn of the event loop is over. */
function gathered(connection: Redis): () => void {
  let held: Redis["stream"] | undefined;
  return () => {
    const { stream } = connection;
    if (stream === held || stream === undefined) return;
    held = stream;
    stream.cork();
    setImmediate(() => {
      stream.uncork();
      if (held === stream) held = undefined;
    });
  };
}

/** Whether Redis itself refused with this kind of error. */
export const isRefused = (thrown: unknown, kind: string): boolean =>
  thrown instanceof AppError && thrown.code === "REDIS_REFUSED" && thrown.fields["kind"] === kind;

/** Turns what ioredis throws into the AppErrors that RedisClient promises. */
export function redisError(thrown: unknown, command: string): AppError {
  const error = toError(thrown);
  if (error.name === "ReplyError") {
    const kind = error.message.split(" ", 1)[0] ?? "";
    return new AppError(
      "REDIS_REFUSED",
      `Redis refused ${command}: ${error.message}`,
      { command, kind },
      error,
    );
  }
  if (error.message === "Command timed out")
    return new AppError("REDIS_TIMEOUT", `Redis did not answer ${command} in time`, { command }, error);
  const unsent = error.message.startsWith("Stream isn't writeable");
  const outcome = unsent ? "not sent" : "unknown";
  return new AppError(
    "REDIS_UNREACHABLE",
    `no connection to Redis for ${command}`,
    { command, outcome },
    error,
  );
}
