import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { openRedis } from "../../src/runtime/redis/connect.ts";
import { textOf } from "../../src/runtime/redis/reply.ts";
import { quiet, startNetwork } from "../kit/network.ts";
import { post } from "../kit/post.ts";

const RELAYS = 1_000;
/** A second, of what runs beside the relays: heartbeat, standings, blocks. */
const BESIDE = 60;

/** A way to the node that counts what goes over it. */
async function countingProxy(target: string) {
  const counted = { requests: 0 };
  const server = createServer(async (request, response) => {
    counted.requests += 1;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const answer = await fetch(`${target}${request.url ?? ""}`, {
      method: request.method ?? "GET",
      headers: { "content-type": "application/json" },
      ...(body.length > 0 && { body }),
    });
    response.writeHead(answer.status, { "content-type": "application/json" });
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { counted, url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

test("a thousand warm relays cause two Redis commands each, count and store, and no read of the chain", async () => {
  let proxy: Awaited<ReturnType<typeof countingProxy>> | undefined;
  const network = await startNetwork("eager", {
    chainProxy: async (target) => {
      proxy = await countingProxy(target);
      return proxy.url;
    },
  });
  const redis = await openRedis({ url: network.redis.url, logger: quiet, role: "test" });
  try {
    await network.devnet.control("halt", {});
    const header = await network.header();
    let ids = 0;
    const relay = () => post(network, network.sign(header, JSON.stringify({ id: ++ids })));
    for (let index = 0; index < 10; index++) expect((await relay()).status).toBe(200);
    const commands = async () => {
      const info = textOf(await redis.commands.send("INFO", "commandstats"));
      const calls = [...info.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)];
      return new Map(calls.map(([, name, count]) => [name ?? "", Number(count)]));
    };

    // Polling goes on, as nothing comes over the subscription that the proxy does not carry.
    const [before, asked] = [await commands(), proxy?.counted.requests ?? 0];
    const start = performance.now();
    for (let index = 0; index < RELAYS; index++) expect((await relay()).status).toBe(200);
    const seconds = (performance.now() - start) / 1_000;
    const beside = Math.min(RELAYS / 2, BESIDE * Math.max(1, seconds));
    const after = await commands();
    const grown = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
    expect(grown("evalsha")).toBeGreaterThanOrEqual(RELAYS);
    expect(grown("xadd")).toBe(RELAYS);
    // What the script does are calls, too: a look, a count, a time to live, a look.
    const ofRelays = new Set(["evalsha", "xadd", "get", "incrby", "ttl"]);
    const others = [...after.keys()].filter((name) => !ofRelays.has(name)).map(grown);
    expect(others.reduce((sum, count) => sum + count, 0)).toBeLessThan(beside);
    expect(grown("get")).toBeLessThan(2 * RELAYS + beside);
    expect((proxy?.counted.requests ?? 0) - asked).toBeLessThan(beside);
  } finally {
    await redis.close();
    await network.close();
    proxy?.close();
  }
});
