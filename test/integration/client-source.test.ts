import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { type OpenChainClient, openChainClient } from "../../src/chain/node/client.ts";
import { type Devnet, startDevnet } from "../../src/devnet/main.ts";
import { openChainSource, type RelaySource } from "../../src/runtime/client/source.ts";
import { manualClock } from "../kit/manual-clock.ts";
import { quiet } from "../kit/network.ts";

const GENESIS = `
chain_id: pocket-devnet
seed: client
services:
  - {id: http, compute_units_per_relay: 100}
applications:
  - {name: app, services: [http]}
suppliers:
  - {name: one, services: [{id: http, endpoints: [{url: "http://127.0.0.1:1"}]}]}
`;
const RACE_MS = 2_000;
/** The chain's: a block that is stored is executed when the test lets so much time pass, however busy the machine is. */
const clock = manualClock();

let devnet: Devnet;
let chain: OpenChainClient;
beforeAll(async () => {
  devnet = await startDevnet({ genesis: GENESIS, manual: true, clock });
  chain = openChainClient({ urls: [devnet.rpcUrl], timeoutMs: 5000, logger: quiet, clock: systemClock });
});
afterAll(async () => {
  await chain.close();
  await devnet.close();
});

function openSource(): Promise<RelaySource> {
  const person = devnet.genesis.accounts.find(({ name }) => name === "app");
  if (person?.privateKey === undefined) throw new Error("no application");
  return openChainSource({
    chain,
    clock: systemClock,
    wish: { application: person.address, service: "http", privateKeys: [person.privateKey] },
    height: undefined,
    choice: { relayerUrl: undefined, supplier: undefined, all: true },
    lookEveryMs: 10,
    kind: "jsonrpc",
    payload: () => new Uint8Array(),
  });
}

/** Begins a block and resolves while it is stored and not executed yet, with what does the rest of it. */
async function stored(): Promise<{ execute(): Promise<bigint> }> {
  const before = devnet.backend.status().executed;
  await devnet.control("commit-race", { ms: RACE_MS });
  const executed = devnet.step();
  while ((await chain.status()).latestHeight === before) await systemClock.sleep(1);
  await devnet.control("commit-race", { ms: 0 });
  expect(devnet.backend.status().executed).toBe(before);
  return {
    execute: () => {
      clock.advance(RACE_MS);
      return executed;
    },
  };
}

test("a session is there also while the node has a block whose state it does not have yet", async () => {
  const { execute } = await stored();
  const source = await openSource();
  expect(devnet.backend.status().executed).toBeLessThan((await chain.status()).latestHeight);
  expect(source.targets()).toHaveLength(1);
  await source.close();
  await execute();
});

test("the source follows into the next session without a relay that cannot be made between", async () => {
  const source = await openSource();
  const first = source.relay(0);
  const end = first.signers.header.sessionEndBlockHeight;
  while (devnet.backend.status().executed < end) await devnet.step();
  const { execute } = await stored();
  const waitUntil = systemClock.monotonic() + RACE_MS / 8;
  while (systemClock.monotonic() < waitUntil) {
    expect(source.isCurrent(source.relay(1))).toBe(true);
    await systemClock.sleep(5);
  }
  await execute();
  while (source.isCurrent(first)) await systemClock.sleep(5);
  expect(source.relay(2).signers.header.sessionStartBlockHeight).toBe(end + 1n);
  await source.close();
});
