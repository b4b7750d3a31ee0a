import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { readLocalnet } from "../../src/commands/base/localnet-dir.ts";
import { type LocalnetRun, lastLine, runLocalnet, within } from "../kit/localnet.ts";

// Runs what `npm run build` made: scripts/test.sh builds first.

/** How long Redis is away; RELAYMINER_OUTAGE_MS=30000 for the whole length. */
const OUTAGE_MS = Number(process.env["RELAYMINER_OUTAGE_MS"] ?? 4_000);
/** A session of ten blocks outlasts the outage. */
const BLOCK_MS = Math.max(2_000, Math.ceil(OUTAGE_MS / 6));
/** Each case takes minutes: CI has the first. */
const ALL = process.env["RELAYMINER_OUTAGE_MS"] !== undefined;
const RELAYS = Number(process.env["RELAYMINER_OUTAGE_RELAYS"] ?? 2_000);

let localnet: LocalnetRun | undefined;
let redis: ChildProcess | undefined;
afterEach(async () => {
  await localnet?.remove();
  localnet = undefined;
  redis?.kill("SIGKILL");
  redis = undefined;
});

const pidOf = (directory: string, name: string): number =>
  readLocalnet(directory).processes.find((process) => process.name === name)?.pid ?? 0;

/** The sum of a metric over its labels; undefined when it cannot be asked for. */
async function figure(url: string, name: string): Promise<number | undefined> {
  try {
    const text = await (await fetch(url)).text();
    const found = [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? ([0-9.e+]+)$`, "gm"))];
    return found.reduce((sum, [, value]) => sum + Number(value), 0);
  } catch {
    return undefined;
  }
}

/** Stops redis-server and gives what starts it again on the same files and socket. */
function stopRedis(directory: string): () => void {
  process.kill(pidOf(directory, "redis"), "SIGTERM");
  const socket = decodeURI(readLocalnet(directory).redis_url.replace("unix://", ""));
  return () => {
    redis = spawn(
      "redis-server",
      [
        ...["--port", "0", "--unixsocket", socket, "--unixsocketperm", "700"],
        ...[
          "--dir",
          join(directory, "redis"),
          "--save",
          "",
          "--appendonly",
          "yes",
          "--appendfsync",
          "everysec",
        ],
        ...["--maxmemory-policy", "noeviction", "--daemonize", "no"],
      ],
      { stdio: "ignore" },
    );
  };
}

async function outage(killRelayer: boolean) {
  const flags = ["--sessions", "2", "--relays", String(RELAYS), "--block-time", String(BLOCK_MS)];
  localnet = runLocalnet("--json", "--restart", ...flags);
  const { metrics_urls } = await localnet.ready();
  const { directory } = localnet;
  const of = (name: string) => figure(metrics_urls.relayer, `ha_relayer_${name}`);
  expect(await within(90_000, async () => ((await of("relays_published_total")) ?? 0) > RELAYS / 10)).toBe(
    true,
  );
  const startAgain = stopRedis(directory);
  const seen = { atRisk: 0, bytes: 0, oldest: 0, rss: 0 };
  const until = performance.now() + OUTAGE_MS;
  while (performance.now() < until) {
    seen.atRisk = Math.max(seen.atRisk, (await of("relays_at_risk")) ?? 0);
    seen.bytes = Math.max(seen.bytes, (await of("relays_at_risk_bytes")) ?? 0);
    seen.oldest = Math.max(seen.oldest, (await of("relays_at_risk_oldest_seconds")) ?? 0);
    const rss = await figure(metrics_urls.relayer, "process_resident_memory_bytes");
    seen.rss = Math.max(seen.rss, rss ?? 0);
    await sleep(250);
  }
  if (killRelayer) process.kill(pidOf(directory, "relayer"), "SIGKILL");
  startAgain();
  const start = performance.now();
  const back = async () => (await of("relays_at_risk")) === 0;
  expect(await within(20_000, back), "the disk is emptied").toBe(true);
  console.log({ outageMs: OUTAGE_MS, ...seen, emptiedMs: Math.round(performance.now() - start) });
  expect(seen.atRisk).toBeGreaterThan(0);
  expect(seen.rss).toBeLessThan(600 * 1_048_576);
  expect(await localnet.ended, localnet.stderr()).toBe(0);
  return lastLine(localnet.stdout());
}

test("Redis is stopped under load and started again: every relay that was answered is claimed and settled", async () => {
  const totals = await outage(false);
  expect(totals).toMatchObject({ answered: RELAYS, lost: 0, doubled: 0, balanced: true });
  expect(totals["settled_relays"]).toBe(RELAYS);
});

test.runIf(ALL)(
  "the relayer is killed while Redis is away: what it had on disk is published when it starts again",
  async () => {
    const totals = await outage(true);
    expect(totals).toMatchObject({ answered: RELAYS, lost: 0, doubled: 0, balanced: true });
    expect(totals["settled_relays"]).toBe(RELAYS);
  },
);
