import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { readLocalnet } from "../../src/commands/base/localnet-dir.ts";
import { type LocalnetRun, lastLine, processesIn, runLocalnet, within } from "../kit/localnet.ts";

// Runs what `npm run build` made: scripts/test.sh builds first.

let localnet: LocalnetRun | undefined;
afterEach(async () => {
  await localnet?.remove();
  localnet = undefined;
});

const pidOf = (directory: string, name: string): number =>
  readLocalnet(directory).processes.find((process) => process.name === name)?.pid ?? 0;

async function killAndAwaitNew(directory: string, name: string): Promise<void> {
  const pid = pidOf(directory, name);
  process.kill(pid, "SIGKILL");
  expect(await within(15_000, () => pidOf(directory, name) !== pid), `${name} again`).toBe(true);
}

test("kill -9 of the miner in mid-session and of the relayer under load: nothing lost, nothing doubled", async () => {
  const relays = 2_000;
  localnet = runLocalnet(
    "--json",
    "--restart",
    "--sessions",
    "2",
    "--relays",
    String(relays),
    "--block-time",
    // The claim window of the first session is open for six seconds, beginning about when the second miner is killed: the third one has
    // to start in it, and to wait until the leases of the second one are over.
    "1500",
  );
  const { metrics_urls } = await localnet.ready();
  const { directory } = localnet;
  const published = async (): Promise<number> => {
    const text = await fetch(metrics_urls.relayer).then(
      (answer) => answer.text(),
      () => "",
    );
    return [...text.matchAll(/^ha_relayer_relays_published_total\{.*\} (\d+)/gm)].reduce(
      (sum, [, n]) => sum + Number(n),
      0,
    );
  };

  // In mid-session: some relays are stored, many are still to come.
  expect(await within(60_000, async () => (await published()) > 200)).toBe(true);
  await killAndAwaitNew(directory, "miner");
  await sleep(500);
  await killAndAwaitNew(directory, "relayer");
  // Again in the second session, the relayer first and the miner while it restarts.
  expect(await within(60_000, async () => (await published()) > 900)).toBe(true);
  await killAndAwaitNew(directory, "relayer");
  await killAndAwaitNew(directory, "miner");

  expect(await localnet.ended, localnet.stderr()).toBe(0);
  const totals = lastLine(localnet.stdout());
  expect(totals).toMatchObject({ answered: relays, lost: 0, doubled: 0, balanced: true });
  expect(totals["leaves"]).toBe(relays);
  expect(totals["settled_relays"]).toBe(relays);
  expect(localnet.stderr().match(/was ended by SIGKILL/g)).toHaveLength(4);
  // The kills did hit the load: relays were cut off and sent again, with the same bytes.
  expect(localnet.stderr()).toMatch(
    /[1-9]\d* × sent again or given up: (read ECONNRESET|other side closed|connect ECONNREFUSED)/,
  );
  expect(processesIn(directory)).toEqual([]);
});

// Windows of four blocks of three seconds, kills within four: takes two minutes, so not in every run.
test.runIf(process.env["RELAYMINER_FAULTS"] === "all")(
  "a miner that is killed again and again, at any moment of its start and work, has its session paid all the same",
  async () => {
    const relays = 300;
    const flags = ["--json", "--restart", "--sessions", "1", "--block-time", "3000"];
    localnet = runLocalnet(...flags, "--relays", String(relays));
    await localnet.ready();
    const { directory, child } = localnet;
    const killed = new Set<number>();
    while (child.exitCode === null) {
      try {
        const pid = pidOf(directory, "miner");
        await sleep(killed.has(pid) ? 50 : Math.random() * 4_000);
        if (child.exitCode !== null || killed.has(pid)) continue;
        killed.add(pid);
        process.kill(pid, "SIGKILL");
      } catch {
        // The localnet comes to its end: the miner, or what names it, is gone.
        await sleep(50);
      }
    }
    expect(await localnet.ended, localnet.stderr()).toBe(0);
    const totals = { answered: relays, lost: 0, doubled: 0, settled_relays: relays, balanced: true };
    expect(lastLine(localnet.stdout())).toMatchObject(totals);
    expect(killed.size).toBeGreaterThan(5);
  },
);
