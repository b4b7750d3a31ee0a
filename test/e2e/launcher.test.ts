import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { until } from "../kit/post.ts";

// Runs what `npm run build` made: scripts/test.sh builds first.
const ROOT = process.env["RELAYMINER_ROOT"] ?? fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "relayminer-launcher-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** As npm puts it on PATH. */
function launched(args: readonly string[], NODE_OPTIONS = "") {
  const link = join(folder, "relayminer");
  rmSync(link, { force: true });
  symlinkSync(join(ROOT, "bin/run.js"), link);
  const child = spawn(link, args, {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NODE_OPTIONS },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += String(data)));
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.once("close", (code, signal) => resolve(code ?? signal)),
  );
  return { child, ended, output: () => output };
}

/** A relayer that waits for a Redis that never comes. */
function waitingConfig(): string {
  const keysFile = join(folder, "keys.yaml");
  writeFileSync(keysFile, JSON.stringify({ keys: ["11".repeat(32)] }), { mode: 0o600 });
  const file = join(folder, "relayer.yaml");
  writeFileSync(
    file,
    JSON.stringify({
      listen_addr: "127.0.0.1:0",
      redis: { url: "redis://127.0.0.1:1" },
      pocket_node: { query_node_rpc_url: "http://127.0.0.1:1", chain_id: "pocket" },
      keys: { keys_file: keysFile },
      metrics: { enabled: false },
      health_check: { enabled: false },
      services: { svc: { backends: { jsonrpc: { url: "http://127.0.0.1:1" } } } },
    }),
  );
  return file;
}

test("the program on PATH is one process of Node that is told how much room young objects have, and has its arguments, signals and exit code", async () => {
  const config = waitingConfig();
  const relayer = launched(["relay", "start", "--config", config]);
  await until(
    async () => relayer.output(),
    (text) => text.includes("waits for Redis"),
  );
  const line = readFileSync(`/proc/${relayer.child.pid}/cmdline`, "utf8").split("\0");
  expect(line.slice(0, 2)).toEqual(["node", "--max-semi-space-size=8"]);
  expect(line.slice(3, 7)).toEqual(["relay", "start", "--config", config]);
  relayer.child.kill("SIGTERM");
  expect(await relayer.ended).toBe(0);

  const chosen = launched(["relay", "start", "--config", config], "--max-semi-space-size=64");
  await until(
    async () => chosen.output(),
    (text) => text.includes("waits for Redis"),
  );
  expect(readFileSync(`/proc/${chosen.child.pid}/cmdline`, "utf8").split("\0")[1]).toMatch(/relayminer$/);
  chosen.child.kill("SIGTERM");
  expect(await chosen.ended).toBe(0);

  const refused = launched(["relay", "start", "--config", "a file that is not there.yaml"]);
  expect(await refused.ended).toBe(66);
  expect(refused.output()).toContain("a file that is not there.yaml");
});
