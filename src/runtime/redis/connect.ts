import { Redis, type RedisOptions } from "ioredis";
import { type Clock, repeat, systemClock } from "../../base/clock.ts";
import { AppError, toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { clientOf, type RedisClient, redisError } from "./client.ts";
import { requireLoaded, requireServer, type ServerReport } from "./server-check.ts";
import { type Subscriptions, subscriptionsOf } from "./subscriptions.ts";
import { type RedisWait, whileAway } from "./wait.ts";

export type RedisConnections = {
  /** Commands; never blocks. Many calls in one turn of the event loop go out as one write. */
  readonly commands: RedisClient;
  /** The connection of `commands`. */
  readonly link: Link;
  readonly subscriptions: Subscriptions;
  /** Undefined when Redis does not let us read INFO. */
  readonly server: ServerReport | undefined;
  /** Opens one more connection, for reads that wait up to LONGEST_BLOCK_MS. */
  openBlocking(purpose: string): Promise<RedisClient>;
  close(): Promise<void>;
};

export type Link = {
  /** How often it was made: another number means that it broke in between. */
  readonly times: number;
  /** How long ago it was made, in milliseconds. */
  readonly ageMs: number;
  /** Breaks it: whatever waits for an answer fails now, and a new one is made. */
  reset(): void;
};

/** A blocking read must ask for no more than this: past it the connection counts as dead. */
export const LONGEST_BLOCK_MS = 2000;

const ANSWER_WITHIN_MS = 3000;
const CONNECT_WITHIN_MS = 5000;
const PROBE_EVERY_MS = 2000;
const LONGEST_RECONNECT_MS = 2000;
/** Redis knows us, and says no. */
const NO_ENTRY = /^(NOAUTH|WRONGPASS|NOPERM) /;

/** Jitter, so that a fleet does not come back in one instant. */
function pauseBefore(attempt: number): number {
  return Math.min(LONGEST_RECONNECT_MS, 50 * 2 ** Math.min(attempt, 6)) * (0.5 + Math.random() / 2);
}

/**
 * ioredis with the defaults that could apply a command twice or wait for ever switched off (operator-experience 8): nothing is
 * queued while there is no connection, nothing is sent again, everything has a time limit.
 */
const OPTIONS = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  connectTimeout: CONNECT_WITHIN_MS,
  keepAlive: 10_000,
  retryStrategy: pauseBefore,
} as const satisfies RedisOptions;

export type OpenRedis = {
  /** redis://, rediss:// or unix:///path (mining-path 7.10). */
  readonly url: string;
  readonly logger: Logger;
  /** Names the connections in CLIENT LIST: relayminer:<role>:<purpose>:<pid>. */
  readonly role: string;
  readonly clock?: Clock;
  /** Not at all if not given. */
  readonly wait?: RedisWait;
};

const NO_WAIT: RedisWait = { forMs: 0, setting: "" };

/**
 * Opens the connections of one process. Throws REDIS_UNREACHABLE (no password in message or fields), REDIS_LOADING, REDIS_REFUSED (a wrong
 * password among others), and REDIS_UNSUPPORTED for a server older than 6.2, a cluster or an unknown URL scheme.
 */
export async function openRedis(given: OpenRedis): Promise<RedisConnections> {
  const { url, logger, clock = systemClock, wait = NO_WAIT } = given;
  const target = parseTarget(url);
  const open = () => openOnce(target, { ...given, clock });
  return whileAway(open, { wait, redis: target.shown, clock, logger, pauseMs: pauseBefore });
}

type OpenOnce = Pick<OpenRedis, "logger" | "role"> & { readonly clock: Clock };

async function openOnce(target: Target, { logger, role, clock }: OpenOnce): Promise<RedisConnections> {
  await look(target, role);
  const opened: Redis[] = [];
  const open = async (purpose: string, limits: RedisOptions) => {
    const connection = new Redis({
      ...OPTIONS,
      ...target.options,
      ...limits,
      connectionName: `relayminer:${role}:${purpose}:${process.pid}`,
    });
    opened.push(connection);
    await connect(connection, target.shown, purpose, logger);
    return connection;
  };
  const closing = new AbortController();
  const close = async () => {
    closing.abort();
    for (const connection of opened.splice(0)) connection.disconnect();
  };
  try {
    const limits = { commandTimeout: ANSWER_WITHIN_MS, socketTimeout: ANSWER_WITHIN_MS };
    const carrier = await open("commands", limits);
    const commands = clientOf(carrier, "together");
    const server = await requireServer(commands, logger);
    const subscriber = await open("subscriptions", limits);
    // Nothing is sent on this connection otherwise, and a peer that is gone without a word would never be missed.
    const probe = { everyMs: PROBE_EVERY_MS, signal: closing.signal, onError: () => undefined };
    repeat(clock, probe, async () => void (await subscriber.ping())).catch(() => undefined);
    return {
      commands,
      link: linkOf(carrier, clock),
      server,
      subscriptions: subscriptionsOf(subscriber, logger),
      openBlocking: async (purpose) => {
        const patience = LONGEST_BLOCK_MS + ANSWER_WITHIN_MS;
        return clientOf(await open(purpose, { commandTimeout: patience, socketTimeout: patience }));
      },
      close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** What connects waits without a word while Redis loads its data: asked before, on a connection that does not. */
async function look({ shown, options }: Target, role: string): Promise<void> {
  const connection = new Redis({
    ...OPTIONS,
    ...options,
    commandTimeout: ANSWER_WITHIN_MS,
    enableReadyCheck: false,
    retryStrategy: () => null,
    connectionName: `relayminer:${role}:look:${process.pid}`,
  });
  await tried(connection, async () => {
    await connected(connection, shown);
    await requireLoaded(clientOf(connection), shown);
  }).finally(() => connection.disconnect());
}

/** Throws REDIS_REFUSED where Redis knows us and says no, which only an event tells; otherwise what `act` throws. */
async function tried(connection: Redis, act: () => Promise<void>): Promise<void> {
  let refused: Error | undefined;
  const heard = (error: Error) => {
    if (NO_ENTRY.test(error.message)) refused = error;
  };
  connection.on("error", heard);
  try {
    await act();
  } catch (thrown) {
    throw refused === undefined ? thrown : redisError(refused, "AUTH");
  } finally {
    connection.off("error", heard);
  }
}

/** Throws REDIS_UNREACHABLE. */
async function connected(connection: Redis, shown: string): Promise<void> {
  let last: Error | undefined;
  // Without a listener an "error" event would end the process.
  connection.on("error", (error: Error) => {
    last = error;
  });
  try {
    await connection.connect();
  } catch (thrown) {
    const cause = last ?? toError(thrown);
    throw new AppError("REDIS_UNREACHABLE", `cannot reach Redis at ${shown}`, { url: shown }, cause);
  }
}

function linkOf(connection: Redis, clock: Clock): Link {
  let times = 1;
  let madeAt = clock.monotonic();
  connection.on("ready", () => {
    times += 1;
    madeAt = clock.monotonic();
  });
  return {
    get times() {
      return times;
    },
    get ageMs() {
      return clock.monotonic() - madeAt;
    },
    reset: () => {
      if (connection.status === "ready") connection.stream.destroy();
    },
  };
}

async function connect(connection: Redis, shown: string, purpose: string, logger: Logger): Promise<void> {
  await tried(connection, () => connected(connection, shown));
  let last: Error | undefined;
  connection.on("error", (error: Error) => {
    if (last?.message !== error.message)
      logger.warn({ redis: shown, purpose, error: error.message }, "Redis connection failed");
    last = error;
  });
  connection.on("ready", () => {
    if (last) logger.info({ redis: shown, purpose }, "Redis connection is back");
    last = undefined;
  });
}

type Target = { readonly shown: string; readonly options: RedisOptions };

/** What to connect to, and how to say it without the password. */
function parseTarget(url: string): Target {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch (thrown) {
    throw new AppError("REDIS_UNSUPPORTED", "redis.url is not a URL", {}, thrown);
  }
  const { protocol, hostname, port, pathname, searchParams } = parsed;
  const username = decodeURIComponent(parsed.username);
  const password = decodeURIComponent(parsed.password);
  const login = { ...(username && { username }), ...(password && { password }) };
  if (protocol === "unix:") {
    const db = Number(searchParams.get("db") ?? 0);
    return { shown: `unix://${pathname}`, options: { ...login, path: decodeURIComponent(pathname), db } };
  }
  if (protocol !== "redis:" && protocol !== "rediss:")
    throw new AppError("REDIS_UNSUPPORTED", `redis.url has the scheme ${protocol}// which is not supported`, {
      protocol,
    });
  const host = hostname.replace(/^\[|\]$/g, "");
  const secure = protocol === "rediss:" ? { tls: { servername: host } } : {};
  const address = {
    host: host || "localhost",
    port: Number(port || 6379),
    db: Number(pathname.slice(1) || 0),
  };
  return {
    shown: `${protocol}//${hostname}:${address.port}/${address.db}`,
    options: { ...login, ...address, ...secure },
  };
}
