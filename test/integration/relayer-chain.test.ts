import { afterEach, expect, test } from "vitest";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { openRedis } from "../../src/runtime/redis/connect.ts";
import { type Network, quiet, startNetwork } from "../kit/network.ts";
import { type Answer, post, until } from "../kit/post.ts";
import { ranFor, runningTime } from "../kit/running-time.ts";
import { chainHeight, goTo, headerAt } from "../kit/session-steps.ts";
import { type TcpProxy, tcpProxy } from "../kit/tcp-proxy.ts";

let network: Network;
let way: TcpProxy;
afterEach(async () => {
  way.mend();
  await network.close();
  await way.close();
});

let ids = 0;
const relay = (header: SessionHeader, how = {}) =>
  post(network, network.sign(header, JSON.stringify({ id: ++ids }), how));
const isServed = ({ status }: Answer) => status === 200;

/** A relayer whose way to its node can fail, at the first block of a session, where the one before is served, too. */
async function startAtRollover(): Promise<{ warm: SessionHeader; cold: SessionHeader }> {
  const chainProxy = async (target: string) => {
    way = await tcpProxy(target);
    return way.url;
  };
  network = await startNetwork("eager", { chainProxy });
  await network.devnet.control("halt", {});
  const warm = await headerAt(network, await chainHeight(network));
  expect((await until(() => relay(warm), isServed)).status).toBe(200);
  const start = warm.sessionEndBlockHeight + 1n;
  await goTo(network, start);
  return { warm, cold: await headerAt(network, start) };
}

/** Makes everything in the relayer's memory that ages come of age: its subscriptions break, and no invalidation is missed. */
async function age(): Promise<void> {
  const redis = await openRedis({ url: network.redis.url, logger: quiet, role: "test" });
  await redis.commands.send("CLIENT", "KILL", "TYPE", "pubsub");
  await redis.close();
  await ranFor(500);
}

test.each<"cut" | "hang">(["cut", "hang"])(
  "with the node away (%s) warm sessions go on; what cannot be asked is unknown, never invalid",
  async (how) => {
    const { warm, cold } = await startAtRollover();
    way[how]();
    await age();
    const times: number[] = [];
    for (let sent = 0; sent < 20; sent++) {
      const start = runningTime();
      expect((await relay(warm)).status).toBe(200);
      times.push(runningTime() - start);
    }
    times.sort((left, right) => left - right);
    expect(times[10]).toBeLessThan(100);
    // The first one waits a second for the values that have come of age, and no relay for longer.
    expect(times.at(-1)).toBeLessThan(1_800);
    const start = runningTime();
    const unknown = await Promise.all([relay(cold), relay(cold), relay(cold)]);
    expect(runningTime() - start).toBeLessThan(6_000);
    for (const answer of unknown)
      expect(answer).toMatchObject({ status: 503, error: "the session cannot be checked at the moment" });
    // Who is not in the ring that is known may have been delegated to since.
    expect((await relay(warm, { signer: network.newcomer })).status).toBe(503);
    way.mend();
    expect((await until(() => relay(cold), isServed)).status).toBe(200);
    expect((await relay(cold, { signer: network.newcomer })).status).toBe(403);
  },
);

test("a client that is a block ahead of the relayer's node is served when the node has caught up", async () => {
  const { cold: known } = await startAtRollover();
  await goTo(network, known.sessionEndBlockHeight);
  const start = known.sessionEndBlockHeight + 1n;
  way.hang();
  await network.devnet.control("jump", { blocks: 1 });
  const ahead = await headerAt(network, start);
  const early = relay(ahead);
  expect(await Promise.race([early, new Promise((resolve) => setTimeout(resolve, 400))])).toBeUndefined();
  way.mend();
  expect((await early).status).toBe(200);
});
