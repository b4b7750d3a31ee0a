import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export type RedisServer = {
  readonly url: string;
  readonly pid: number;
  /** Kills the process as a crash would. */
  crash(): Promise<void>;
  /** Starts it again on the same directory and socket; "empty": without what it had. */
  restart(how?: "empty"): Promise<void>;
  /** SIGSTOP and SIGCONT: alive, but silent. */
  pause(): void;
  resume(): void;
  close(): Promise<void>;
};

/**
 * A redis-server of our own on a unix socket in a temporary directory, with an append-only file and noeviction.
 * `options` are further command-line settings; only its own process is ever signalled.
 */
export async function startRedis(...options: readonly string[]): Promise<RedisServer> {
  const directory = await mkdtemp(join(tmpdir(), "relayminer-redis-"));
  const socket = join(directory, "redis.sock");
  const settings = [
    "--port",
    "0",
    "--unixsocket",
    socket,
    "--unixsocketperm",
    "700",
    "--dir",
    directory,
    "--save",
    "",
  ];
  const durable = ["--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"];
  const start = () => launch([...settings, ...durable, ...options], socket);
  let server = await start();
  const end = async (signal: NodeJS.Signals) => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const exited = new Promise((resolve) => server.once("exit", resolve));
    server.kill(signal);
    // A stopped process takes a SIGTERM only once it goes on; a SIGKILL must find it as it is.
    if (signal !== "SIGKILL") server.kill("SIGCONT");
    await exited;
  };
  return {
    url: `unix://${socket}`,
    get pid() {
      return server.pid ?? 0;
    },
    crash: () => end("SIGKILL"),
    restart: async (how) => {
      await end("SIGTERM");
      if (how === "empty") await rm(join(directory, "appendonlydir"), { recursive: true, force: true });
      server = await start();
    },
    pause: () => void server.kill("SIGSTOP"),
    resume: () => void server.kill("SIGCONT"),
    close: async () => {
      await end("SIGKILL");
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function launch(args: readonly string[], socket: string): Promise<ChildProcess> {
  const server = spawn("redis-server", args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [server.stdout, server.stderr])
    stream?.on("data", (chunk) => (output += String(chunk)));
  let failed: Error | undefined;
  server.once("error", (error) => {
    failed = error;
  });
  for (let attempt = 0; attempt < 1_200; attempt++) {
    if (failed) throw failed;
    if (server.exitCode !== null) throw new Error(`redis-server ended at once: ${output}`);
    if (await answers(socket)) return server;
    await sleep(25);
  }
  server.kill("SIGKILL");
  throw new Error(`redis-server did not answer: ${output}`);
}

/** A server that is still loading its file answers PING with an error. */
const answers = (socket: string): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = connect(socket, () => probe.write("PING\r\n"));
    probe.once("data", (data) => {
      resolve(String(data).startsWith("+PONG"));
      probe.destroy();
    });
    probe.once("error", () => resolve(false));
  });
