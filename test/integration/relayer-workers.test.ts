import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { freePort } from "../kit/free-port.ts";
import { type Network, startNetwork } from "../kit/network.ts";
import { post, until } from "../kit/post.ts";
import { type RelayerProcess, startRelayerProcess } from "../kit/relayer-process.ts";

let network: Network;
let relayer: RelayerProcess;
let metrics: string;
beforeAll(async () => {
  network = await startNetwork("eager");
  await network.devnet.control("halt", {});
  const addr = `127.0.0.1:${await freePort()}`;
  metrics = `http://${addr}/metrics`;
  relayer = await startRelayerProcess(network, "with-workers", { metrics: { enabled: true, addr } });
});
afterAll(async () => {
  relayer.child.kill();
  await relayer.ended;
  await network.close();
});

/** Values by series, as of now. */
async function scrape(): Promise<ReadonlyMap<string, number>> {
  const lines = (await (await fetch(metrics)).text()).split("\n");
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(" ");
      return [line.slice(0, space), Number(line.slice(space + 1))] as const;
    }),
  );
}

const WORKER = 'ha_relayer_verified_total{place="worker"}';
const INLINE = 'ha_relayer_verified_total{place="inline"}';

test("a relayer under load has its workers verify: good relays are served, bad ones refused, each is counted once", async () => {
  const header = await network.header();
  const relays = Array.from({ length: 400 }, (_, index) => {
    const signer = index % 10 === 9 ? network.newcomer : network.gateway;
    return network.sign(header, JSON.stringify({ id: index }), { signer });
  });
  // The worker has been started with the relayer and is ready some 100 ms later, in a quiet minute.
  const statuses = new Map<number, number>();
  for (let round = 0; round < 20 && ((await scrape()).get(WORKER) ?? 0) === 0; round++)
    for (const { status } of await Promise.all(
      relays.map((relay) => post(network, relay, { url: relayer.url })),
    ))
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
  const sent = [...statuses.values()].reduce((sum, count) => sum + count, 0);
  expect(Object.fromEntries(statuses)).toEqual({ 200: (sent * 9) / 10, 403: sent / 10 });
  const after = await until(scrape, (seen) => (seen.get(WORKER) ?? 0) + (seen.get(INLINE) ?? 0) >= sent);
  const [worker = 0, inline = 0] = [after.get(WORKER), after.get(INLINE)];
  expect(worker).toBeGreaterThan(0);
  expect(inline + worker).toBe(sent);
  expect(after.get('ha_relayer_ring_verifier_info{verifier="kernel",signer="native"}')).toBe(1);
  expect(after.get('ha_relayer_verify_tables{place="worker"}')).toBeGreaterThan(0);
  expect(after.get("ha_relayer_verify_worker_restarts_total")).toBe(0);
  await systemClock.sleep(200);
  const delay = async () => (await scrape()).get('ha_relayer_event_loop_delay_seconds{quantile="max"}') ?? 0;
  expect(await until(delay, (seconds) => seconds > 0)).toBeGreaterThan(0);
});
