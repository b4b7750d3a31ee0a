import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { LocalnetFile } from "../../src/commands/base/localnet-dir.ts";
import { errorLines, relayminer } from "../kit/cli.ts";
import { type LocalnetRun, lastLine, processesIn, runLocalnet, within } from "../kit/localnet.ts";

// These run what `npm run build` made: scripts/test.sh builds first.

const runs: LocalnetRun[] = [];
const run = (...flags: string[]): LocalnetRun => {
  const started = runLocalnet(...flags);
  runs.push(started);
  return started;
};
afterEach(async () => {
  for (const started of runs.splice(0)) await started.remove();
});

const portsOf = (file: LocalnetFile): number[] =>
  [
    file.relayer_url,
    file.relayer_health_url,
    file.metrics_urls.relayer,
    file.metrics_urls.miner,
    file.chain_rpc_url,
    ...file.services.map(({ backend_url }) => backend_url),
  ].map((url) => Number(new URL(url).port));

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = connect(port, "127.0.0.1", () => {
      resolve(true);
      probe.destroy();
    });
    probe.once("error", () => resolve(false));
  });

async function expectNothingLeft(directory: string, ports: readonly number[]): Promise<void> {
  expect(processesIn(directory)).toEqual([]);
  for (const port of ports) expect(await isOpen(port), `port ${port}`).toBe(false);
}

// A process that stands still for two blocks is late neither for a session's end nor for a window's.
test("the main job: every answered relay is a leaf, is claimed and is paid, and nothing stays behind", async () => {
  const localnet = run("--json", "--sessions", "2", "--relays", "120", "--block-time", "600");
  const ports = portsOf(await localnet.ready());
  expect(await localnet.ended, localnet.stderr()).toBe(0);
  const totals = lastLine(localnet.stdout());
  expect(localnet.stdout().trimEnd().split("\n")).toHaveLength(1);
  expect(totals).toMatchObject({
    answered: 120,
    leaves: 120,
    claimed_relays: 120,
    settled_relays: 120,
    lost: 0,
    doubled: 0,
    sessions: 2,
    services: 6,
    balanced: true,
  });
  expect(totals["claimed_upokt"]).toBe(totals["settled_upokt"]);
  // Each session has 10 relays of each service, one service for each transport; a compute unit is 42 upokt.
  expect(totals["settled_upokt"]).toBe(20 * 42 * (100 + 35 + 1 + 12 + 40 + 20));
  expect(totals["proofs_required"]).toBeGreaterThanOrEqual(6);
  expect(totals["proofs_verified"]).toBe(totals["proofs_required"]);
  await expectNothingLeft(localnet.directory, ports);
});

test("--keep tells where everything is and serves on, until Ctrl-C leaves no process and no port", async () => {
  const localnet = run("--keep", "--relays", "0", "--suppliers", "2", "--rps", "20");
  const file = await localnet.ready();
  expect(file.suppliers).toHaveLength(2);
  expect(file.applications.map(({ gateways }) => gateways.length)).toEqual([2, 1, 0, 1, 1, 2]);
  expect(file.processes.map(({ name }) => name)).toEqual(["redis", "devnet", "miner", "relayer"]);
  for (const port of portsOf(file)) expect(await isOpen(port), `port ${port}`).toBe(true);
  const metrics = async () => (await fetch(file.metrics_urls.relayer)).text();
  expect(await within(30_000, async () => /relays_served_total\{.*\} [1-9]/.test(await metrics()))).toBe(
    true,
  );
  localnet.child.kill("SIGINT");
  expect(await localnet.ended, localnet.stderr()).toBe(0);
  await expectNothingLeft(localnet.directory, portsOf(file));
});

test("a localnet that is killed takes its processes with it", async () => {
  const localnet = run("--keep", "--relays", "0");
  const file = await localnet.ready();
  localnet.child.kill("SIGKILL");
  expect(await localnet.ended).toBe("SIGKILL");
  // A process that ends has lost its command line a moment before its ports are free.
  const nothingLeft = async () =>
    processesIn(localnet.directory).length === 0 &&
    !(await Promise.all(portsOf(file).map(isOpen))).includes(true);
  expect(await within(10_000, nothingLeft)).toBe(true);
  await expectNothingLeft(localnet.directory, portsOf(file));
});

test("a process that dies ends the main job, and the message says whose log to read", async () => {
  const localnet = run("--json", "--relays", "200");
  const { processes } = await localnet.ready();
  process.kill(processes.find(({ name }) => name === "relayer")?.pid ?? 0, "SIGKILL");
  expect(await localnet.ended).toBe(1);
  expect(lastLine(localnet.stdout())).toMatchObject({
    error: {
      code: "LOCALNET_FAILED",
      what: "relayer was ended by SIGKILL",
      todo: expect.stringContaining("relayer.log"),
    },
  });
  expect(processesIn(localnet.directory)).toEqual([]);
});

test("no redis-server to start, a taken port and a directory of somebody else are refused", async () => {
  const directory = mkdtempSync(join(tmpdir(), "relayminer-foreign-"));
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const port = String((taken.address() as AddressInfo).port);
  try {
    const dir = join(directory, "net");
    const missing = await relayminer(["localnet", "--dir", dir, "--redis-server", "/nowhere/redis-server"]);
    expect(missing.code).toBe(69);
    expect(errorLines(missing)[0]).toBe(
      "✖ There is no /nowhere/redis-server to start (REDIS_SERVER_MISSING)",
    );
    const busy = await relayminer(["localnet", "--dir", dir, "--port", port]);
    expect(busy.code).toBe(69);
    expect(errorLines(busy)[0]).toBe(`✖ Port ${port} is taken (LISTEN_FAILED)`);
    writeFileSync(join(directory, "precious"), "data");
    const foreign = await relayminer(["localnet", "--dir", directory]);
    expect(foreign.code).toBe(1);
    expect(errorLines(foreign)[0]).toBe(`✖ ${directory} is not a localnet's directory (LOCALNET_FAILED)`);
    expect(readFileSync(join(directory, "precious"), "utf8")).toBe("data");
  } finally {
    taken.close();
    rmSync(directory, { recursive: true, force: true });
  }
});
