import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { loadRelayerConfig } from "../../src/runtime/config/relayer.ts";
import { startRelayer } from "../../src/runtime/relayer/main.ts";
import { freePort } from "../kit/free-port.ts";
import { type Network, quiet, startNetwork } from "../kit/network.ts";

let network: Network;
beforeAll(async () => {
  network = await startNetwork("eager");
});
afterAll(() => network.close());

/** What a start says with these settings instead of the network's; it must not succeed. */
async function refusal(changes: Readonly<Record<string, unknown>>): Promise<unknown> {
  const file = `${network.configFile}.changed`;
  const { relay, ...settings } = JSON.parse(readFileSync(network.configFile, "utf8"));
  writeFileSync(file, JSON.stringify({ ...settings, relay: { ...relay, redis_wait: "0s" }, ...changes }));
  try {
    const { config } = loadRelayerConfig(file);
    const relayer = await startRelayer({
      config,
      version: "test",
      logger: quiet,
      clock: systemClock,
      spoolDirectories: [],
    });
    await relayer.close();
    return "started";
  } catch (thrown) {
    return (thrown as { code: string }).code;
  }
}

const closed = async () => `127.0.0.1:${await freePort()}`;

test("a start with any one of what a relayer needs away is refused, and names it", async () => {
  const chain = { chain_id: "kit", query_timeout_seconds: 1 };
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as { port: number };
  const addr = `127.0.0.1:${port}`;
  const node = network.devnet.rpcUrl;
  try {
    expect({
      redis: await refusal({ redis: { url: `redis://${await closed()}` } }),
      chain: await refusal({ pocket_node: { ...chain, query_node_rpc_url: `http://${await closed()}` } }),
      otherChain: await refusal({ pocket_node: { query_node_rpc_url: node, chain_id: "other" } }),
      keys: await refusal({ keys: { keys_file: `${network.keysFile}.none` } }),
      relayPort: await refusal({ listen_addr: addr }),
      metricsPort: await refusal({ metrics: { enabled: true, addr } }),
      healthPort: await refusal({ health_check: { enabled: true, addr } }),
      nothingAway: await refusal({}),
    }).toEqual({
      redis: "REDIS_UNREACHABLE",
      chain: "CHAIN_UNREACHABLE",
      otherChain: "CHAIN_ID_MISMATCH",
      keys: "KEYS_MISSING",
      relayPort: "LISTEN_FAILED",
      metricsPort: "LISTEN_FAILED",
      healthPort: "LISTEN_FAILED",
      nothingAway: "started",
    });
  } finally {
    await new Promise((resolve) => taken.close(resolve));
  }
});
