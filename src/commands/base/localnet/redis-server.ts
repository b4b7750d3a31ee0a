import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Clock } from "../../../base/clock.ts";
import type { CloseStack } from "../../../base/close-stack.ts";
import { AppError, toError } from "../../../base/errors.ts";
import type { Processes, Running } from "./processes.ts";
import { untilReady } from "./until.ts";

type Options = {
  readonly processes: Processes;
  readonly directory: string;
  /** Path of the program; undefined: `redis-server` on PATH. */
  readonly program: string | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly owned: CloseStack;
};

export type RedisServer = {
  /** unix:///…/redis.sock */
  readonly url: string;
  /** Such as 7.0.15. */
  readonly version: string;
  readonly running: Running;
};

const START_MS = 20_000;
/** sun_path has 108 bytes on Linux and 104 elsewhere, the closing zero included. */
const LONGEST_SOCKET_PATH = 100;

/**
 * A redis-server of our own: reachable only through a unix socket that only this user may open, append-only file on, noeviction, as the
 * money path needs it. Throws AppError REDIS_SERVER_MISSING, LOCALNET_FAILED.
 */
export async function startRedisServer(options: Options): Promise<RedisServer> {
  const { processes, directory, clock, signal, owned } = options;
  const command = options.program ?? "redis-server";
  const version = await versionOf(command);
  const socket = socketPath(directory, owned);
  const args = [
    ...["--port", "0", "--unixsocket", socket, "--unixsocketperm", "700"],
    ...["--dir", directory, "--save", "", "--appendonly", "yes", "--appendfsync", "everysec"],
    ...["--maxmemory-policy", "noeviction", "--daemonize", "no"],
  ];
  const running = await processes.start({ name: "redis", command, args });
  await untilReady(running, { clock, signal, withinMs: START_MS }, () => pings(socket));
  return { url: `unix://${encodeURI(socket)}`, version, running };
}

async function versionOf(command: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(command, ["--version"], { timeout: 10_000 });
    return /v=(\S+)/.exec(stdout)?.[1] ?? "of unknown version";
  } catch (thrown) {
    throw new AppError(
      "REDIS_SERVER_MISSING",
      `There is no ${command} to start`,
      { why: "the localnet runs a real redis-server, and this one cannot be run" },
      toError(thrown),
    );
  }
}

/** In the localnet's directory, unless its path is too long for a socket. */
function socketPath(directory: string, owned: CloseStack): string {
  const wanted = join(directory, "redis.sock");
  if (Buffer.byteLength(wanted) <= LONGEST_SOCKET_PATH) return wanted;
  const short = mkdtempSync(join(tmpdir(), "relayminer-"));
  owned.own({ close: () => rmSync(short, { recursive: true, force: true }) });
  return join(short, "redis.sock");
}

/** A server that is still loading its file answers PING with an error. */
const pings = (socket: string): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = connect(socket, () => probe.write("PING\r\n"));
    probe.setTimeout(1_000, () => probe.destroy());
    probe.once("data", (data) => {
      resolve(String(data).startsWith("+PONG"));
      probe.destroy();
    });
    probe.once("error", () => resolve(false));
    probe.once("close", () => resolve(false));
  });
