/** A redis-server of the bench's own: a unix socket in a temporary directory, an append-only file as a miner's Redis should have. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Rewrites of the append-only file are off: when they come depends on its size and would be in some runs and not in others. */
export async function startRedis() {
  const directory = await mkdtemp(join(tmpdir(), "relayminer-bench-"));
  const socket = join(directory, "redis.sock");
  const settings = ["--port", "0", "--unixsocket", socket, "--dir", directory, "--save", ""];
  const durable = ["--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0"];
  const server = spawn("redis-server", [...settings, ...durable, "--maxmemory-policy", "noeviction"], {
    stdio: "ignore",
  });
  const exited = once(server, "exit");
  for (let attempt = 0; !(await answers(socket)); attempt++) {
    if (server.exitCode !== null || attempt === 200) throw new Error("redis-server did not start");
    await sleep(25);
  }
  return {
    url: `unix://${socket}`,
    close: async () => {
      server.kill("SIGKILL");
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const answers = (socket) =>
  new Promise((resolve) => {
    const probe = connect(socket, () => probe.write("PING\r\n"));
    probe.once("data", (data) => {
      resolve(String(data).startsWith("+PONG"));
      probe.destroy();
    });
    probe.once("error", () => resolve(false));
  });
