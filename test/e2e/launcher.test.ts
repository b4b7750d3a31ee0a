import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { nodeOptions } from "../../src/runtime/ops/heap.ts";
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

test("the program on PATH is one process of Node that is told what nodeOptions says, and has its arguments, signals and exit code", async () => {
  const config = waitingConfig();
  const relayer = launched(["relay", "start", "--config", config]);
  await until(
    async () => relayer.output(),
    (text) => text.includes("waits for Redis"),
  );
  const line = readFileSync(`/proc/${relayer.child.pid}/cmdline`, "utf8").split("\0");
  expect(line.slice(0, 3)).toEqual(["node", ...nodeOptions([], "")]);
  expect(line.slice(4, 8)).toEqual(["relay", "start", "--config", config]);
  relayer.child.kill("SIGTERM");
  expect(await relayer.ended).toBe(0);

  const own = "--max-semi-space-size=64 --v8-pool-size=3";
  const chosen = launched(["relay", "start", "--config", config], own);
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

/**
 * Keeps some 60 MB and lets other objects get old in turn, until these were collected four times; its output tells of each. What V8 chooses by
 * itself depends on the machine: here it is a fifth, unless that is changed.
 */
const GETTING_OLD = `
  const { growOldGeneration } = await import(process.argv[1]);
  if (process.execArgv.every((option) => !option.startsWith("--heap")))
    (await import("node:v8")).setFlagsFromString("--heap-growing-percent=20");
  growOldGeneration();
  let collections = 0;
  const isOld = ({ detail }) => detail.kind === 4;
  const seen = new PerformanceObserver((list) => { collections += list.getEntries().filter(isOld).length; });
  seen.observe({ entryTypes: ["gc"] });
  const kept = Array.from({ length: 200_000 }, (_, i) => ({ i, list: [i] }));
  const ring = Array.from({ length: 400_000 });
  for (let next = 0; collections < 4; await new Promise(setImmediate))
    for (let each = 0; each < 3_000; each++) ring[next++ % ring.length] = { next, list: [next, each, kept.length] };
`;

test.each([
  ["four times", [], 3.2, 5],
  ["what the operator chose", ["--heap-growing-percent=50"], 1.2, 2.2],
])("old objects may become %s before they are collected", async (_, own, least, most) => {
  const heap = new URL("../../dist/runtime/ops/heap.js", import.meta.url).href;
  const args = ["--trace-gc", ...own, "--input-type=module", "-e", GETTING_OLD, heap];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 30_000 });
  const collections = [...stdout.matchAll(/Mark-Compact.*? ([\d.]+) \([\d.]+\) -> ([\d.]+) /g)];
  const grown = collections
    .slice(1)
    .map(([, before], index) => Number(before) / Number(collections[index]?.[2]));
  expect(grown.length).toBeGreaterThan(0);
  expect(Math.max(...grown)).toBeLessThan(most);
  expect(Math.max(...grown)).toBeGreaterThan(least);
});
