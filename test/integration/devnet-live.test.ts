import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../src/base/bytes.ts";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import type { Logger } from "../../src/base/logger.ts";
import { openChainClient } from "../../src/chain/node/client.ts";
import { MsgSend } from "../../src/chain/proto/cosmos.ts";
import { QUERIES } from "../../src/chain/proto/queries.ts";
import { signDigest } from "../../src/chain/protocol/ecdsa.ts";
import { buildTx } from "../../src/chain/protocol/tx/build.ts";
import { toAny } from "../../src/chain/protocol/tx/message.ts";
import { upokt } from "../../src/devnet/chain/coins.ts";
import { type Devnet, startDevnet } from "../../src/devnet/main.ts";
import { manualClock } from "../kit/manual-clock.ts";

const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const GENESIS = `
chain_id: pocket-devnet
seed: live
params:
  session: {num_suppliers_per_session: 2}
  proof: {proof_submission_fee: 5}
services:
  - {id: http, compute_units_per_relay: 100}
  - {id: grpc, compute_units_per_relay: 7}
gateways:
  - {name: gate}
accounts:
  - {name: alice}
  - {name: newcomer}
applications:
  - {name: app, services: [http], gateways: [gate]}
suppliers:
  - {name: one, services: [{id: http, endpoints: [{url: "http://127.0.0.1:1"}]}]}
  - {name: two, services: [{id: http, endpoints: [{url: "http://127.0.0.1:2"}]}, {id: grpc}]}
  - {name: three, owner: alice, services: [{id: http, rev_share: {alice: 80, three: 20}}]}
`;

let devnet: Devnet;
let client: ReturnType<typeof openChainClient>;

const person = (name: string) => {
  const found = devnet.genesis.accounts.find((each) => each.name === name);
  if (found?.privateKey === undefined || found.publicKey === undefined) throw new Error(`no ${name}`);
  return { ...found, privateKey: found.privateKey, publicKey: found.publicKey };
};
const address = (name: string) => person(name).address;

async function transfer(from: string, to: string, amount: bigint, timeoutOffsetNs = 1n) {
  const { publicKey, privateKey, address: own } = person(from);
  const { latestTimeMs } = await client.status();
  const message = { fromAddress: own, toAddress: to, amount: [upokt(amount)] };
  return buildTx({
    messages: [toAny(MsgSend, message)],
    chainId: devnet.chainId,
    accountNumber: BigInt(devnet.genesis.accounts.findIndex((each) => each.name === from)),
    publicKey,
    sign: (digest) => signDigest(privateKey, digest),
    fee: [upokt(1n)],
    gasLimit: 200_000n,
    unordered: { timeoutNs: (BigInt(latestTimeMs) + 120_000n) * 1_000_000n + timeoutOffsetNs },
  });
}

const balance = async (of: string) =>
  BigInt((await client.query(QUERIES.balance, { address: of, denom: "upokt" })).balance?.amount ?? "0");

const stepTo = async (height: bigint) => {
  while (devnet.backend.status().executed < height) await devnet.step();
};

const eventsOf = (height: bigint, type: string) =>
  (devnet.backend.results(height)?.events ?? [])
    .filter((event) => event.type === type)
    .map(({ attributes }) => Object.fromEntries(attributes.map(({ key, value }) => [key, value])));

async function open(clock?: Clock): Promise<void> {
  devnet = await startDevnet({ genesis: GENESIS, manual: true, ...(clock && { clock }) });
  client = openChainClient({ urls: [devnet.rpcUrl], timeoutMs: 5000, logger: quiet, clock: systemClock });
}
async function close(): Promise<void> {
  await client.close();
  await devnet.close();
}
beforeEach(() => open());
afterEach(close);

describe("blocks", () => {
  test("the same genesis makes the same hashes and sessions", async () => {
    const other = await startDevnet({ genesis: GENESIS, manual: true });
    await other.step();
    await devnet.step();
    expect(other.backend.block(2n)).toEqual(devnet.backend.block(2n));
    await other.close();
    const elsewhere = await startDevnet({ genesis: GENESIS.replace("seed: live", "seed: x"), manual: true });
    expect(elsewhere.backend.block(1n)?.hash).not.toEqual(devnet.backend.block(1n)?.hash);
    await elsewhere.close();
  });

  test("run by themselves, a block behind the wall clock", async () => {
    const started = systemClock.monotonic();
    const running = await startDevnet({ genesis: GENESIS, blockTimeMs: 200 });
    const thereAt = new Map<bigint, number>();
    running.backend.onBlock((height) => void thereAt.set(height, systemClock.now()));
    const newest = () => running.backend.status().executed;
    await expect.poll(newest).toBeGreaterThanOrEqual(5n);
    expect(newest()).toBeLessThanOrEqual(BigInt(Math.ceil((systemClock.monotonic() - started) / 200)) + 2n);
    // Its time is that at which the one before it was there.
    const last = newest();
    const time = Number((running.backend.block(last)?.timeNs ?? 0n) / 1_000_000n);
    expect(time).toBeLessThanOrEqual(thereAt.get(last - 1n) ?? 0);
    expect(time).toBeGreaterThanOrEqual(thereAt.get(last - 2n) ?? Number.POSITIVE_INFINITY);
    await running.control("halt", {});
    const halted = newest();
    await systemClock.sleep(500);
    expect(newest() - halted).toBeLessThanOrEqual(1n);
    await running.control("resume", {});
    await expect.poll(newest).toBeGreaterThan(halted + 1n);
    await running.close();
  });

  test("below 200 ms are refused", async () => {
    await expect(startDevnet({ genesis: GENESIS, blockTimeMs: 199 })).rejects.toMatchObject({
      code: "USAGE",
    });
  });

  test("are stored before their state is readable, and indexed later", async () => {
    const clock = manualClock();
    await close();
    await open(clock);
    await devnet.control("commit-race", { ms: 150 });
    await devnet.control("indexer-delay", { ms: 200 });
    const { bytes, hash } = await transfer("alice", address("newcomer"), 5n);
    expect(await client.broadcast(bytes)).toMatchObject({ code: 0, hash });
    const step = devnet.step();
    await expect.poll(() => devnet.backend.status()).toMatchObject({ stored: 2n, executed: 1n });
    clock.advance(149);
    await systemClock.sleep(50);
    expect(devnet.backend.status()).toMatchObject({ stored: 2n, executed: 1n });
    expect(devnet.backend.results(2n)).toBeUndefined();
    expect(devnet.backend.query(QUERIES.sharedParams.path, new Uint8Array(), 0n)).toMatchObject({
      height: 1n,
    });
    clock.advance(1);
    await step;
    expect(devnet.backend.results(2n)?.txs).toHaveLength(1);
    clock.advance(199);
    expect(await client.tx(hash)).toBeUndefined();
    clock.advance(1);
    expect(await client.tx(hash)).toMatchObject({ height: 2n, code: 0 });
  });

  test("a past height has its own state, one ahead none", async () => {
    const before = await balance(address("newcomer"));
    await devnet.control("send", { name: "alice", to: "newcomer", amount: 77 });
    await devnet.step();
    const request = { address: address("newcomer"), denom: "upokt" };
    const at = async (height: bigint) =>
      (await client.query(QUERIES.balance, request, height)).balance?.amount;
    expect(await at(1n)).toBe(String(before));
    expect(await at(2n)).toBe(String(before + 77n));
    await expect(client.query(QUERIES.balance, request, 4n)).rejects.toMatchObject({
      code: "CHAIN_REFUSED",
      fields: { code: 26 },
    });
  });
});

describe("transactions", () => {
  test("a duplicate, a nonce used twice, a wrong hash told, a transaction that vanishes", async () => {
    const { bytes, hash } = await transfer("alice", address("newcomer"), 5n);
    expect(await client.broadcast(bytes)).toMatchObject({ code: 0 });
    expect(await client.broadcast(bytes)).toMatchObject({ code: 19 });
    await devnet.step();
    expect(await client.tx(hash)).toMatchObject({ height: 2n, code: 0 });
    expect(await client.broadcast(bytes)).toMatchObject({ code: 19 });

    await devnet.control("drop-txs", { count: 1 });
    const lost = await transfer("alice", address("newcomer"), 6n, 2n);
    expect(await client.broadcast(lost.bytes)).toMatchObject({ code: 0 });
    const { executed } = devnet.backend.status();
    await devnet.step();
    expect(devnet.backend.results(executed + 1n)?.txs).toEqual([]);

    await devnet.control("drop-txs", { count: 1 });
    await expect(devnet.control("send", { name: "alice", to: "newcomer", amount: 1 })).rejects.toMatchObject({
      message: expect.stringContaining("left the mempool"),
    });

    const { hash: truth } = await client.block(2n);
    await devnet.control("lie-hash", { height: 2 });
    expect((await client.block(2n)).hash).not.toEqual(truth);
  });

  test("fees go to distribution with the next block", async () => {
    await devnet.control("send", { name: "alice", to: "newcomer", amount: 1 });
    const { bytes } = await transfer("alice", address("newcomer"), 5n);
    await client.broadcast(bytes);
    await devnet.step();
    const collector = "pokt17xpfvakm2amg962yls6f84z3kell8c5ldlu5h9";
    const collected = await balance(collector);
    expect(collected).toBe(1n);
    await devnet.step();
    expect(await balance(collector)).toBe(0n);
    expect(await balance("pokt1jv65s3grqf6v6jl3dp4t6c9t9rk99cd86emg48")).toBe(1n);
  });

  test("a transaction that ran out of coins before its block leaves the mempool", async () => {
    await devnet.control("set-account", { name: "newcomer", balance: 10 });
    const first = await transfer("newcomer", address("alice"), 9n, 1n);
    const second = await transfer("newcomer", address("alice"), 8n, 2n);
    expect(await client.broadcast(first.bytes)).toMatchObject({ code: 0 });
    expect(await client.broadcast(second.bytes)).toMatchObject({ code: 0 });
    await devnet.step();
    const codes = devnet.backend.results(devnet.backend.status().executed)?.txs.map(({ code }) => code);
    expect(codes?.toSorted()).toEqual([0, 5]);
  });

  test("simulation tells the gas and changes nothing", async () => {
    const { bytes } = await transfer("alice", address("newcomer"), 5n);
    const { gasUsed } = await client.simulate(bytes);
    expect(gasUsed > 40_000n && gasUsed < 80_000n).toBe(true);
    const before = await balance(address("alice"));
    await devnet.step();
    expect(await balance(address("alice"))).toBe(before);
    const tooMuch = await transfer("alice", address("newcomer"), 10n ** 18n);
    await expect(client.simulate(tooMuch.bytes)).rejects.toMatchObject({ code: "CHAIN_TX_REFUSED" });
  });
});

describe("params", () => {
  test("a new session length counts from the next session on, by height and, after that block, live", async () => {
    await stepTo(13n);
    await devnet.control("set-params", { module: "shared", params: { num_blocks_per_session: 12 } });
    const length = async (height: bigint) =>
      (await client.query(QUERIES.sharedParamsAtHeight, { height })).params;
    expect(await length(14n)).toMatchObject({ numBlocksPerSession: 10n, sessionGridAnchorHeight: 1n });
    expect(await length(20n)).toMatchObject({ numBlocksPerSession: 10n });
    expect(await length(21n)).toMatchObject({
      numBlocksPerSession: 12n,
      sessionGridAnchorHeight: 21n,
      sessionNumberAtAnchor: 3n,
    });
    const live = async () => (await client.query(QUERIES.sharedParams, {})).params?.numBlocksPerSession;
    await stepTo(20n);
    expect(await live()).toBe(10n);
    await stepTo(21n);
    expect(await live()).toBe(12n);
    await stepTo(33n);
    const { session } = await client.query(QUERIES.getSession, {
      applicationAddress: address("app"),
      serviceId: "http",
      blockHeight: 0n,
    });
    expect(session).toMatchObject({ sessionNumber: 4n, numBlocksPerSession: 12n });
    expect(session?.header).toMatchObject({ sessionStartBlockHeight: 33n, sessionEndBlockHeight: 44n });
  });

  test("a price changes live at once, and by height with the next session", async () => {
    await devnet.control("set-params", {
      module: "shared",
      params: { compute_units_to_tokens_multiplier: 9 },
    });
    const at = async (height: bigint) =>
      (await client.query(QUERIES.sharedParamsAtHeight, { height })).params?.computeUnitsToTokensMultiplier;
    expect((await client.query(QUERIES.sharedParams, {})).params?.computeUnitsToTokensMultiplier).toBe(9n);
    expect(await at(10n)).toBe(42_000_000n);
    expect(await at(11n)).toBe(9n);
  });

  test("two changes in one session both count", async () => {
    await devnet.control("set-params", { module: "shared", params: { num_blocks_per_session: 20 } });
    await devnet.control("set-params", { module: "shared", params: { grace_period_end_offset_blocks: 0 } });
    const { params } = await client.query(QUERIES.sharedParamsAtHeight, { height: 11n });
    expect(params).toMatchObject({ numBlocksPerSession: 20n, gracePeriodEndOffsetBlocks: 0n });
  });

  test("compute units per relay, session size, proof params", async () => {
    await devnet.control("set-cupr", { service: "http", compute_units_per_relay: 150 });
    const units = async (blockHeight: bigint) =>
      (await client.query(QUERIES.computeUnitsPerRelayAtHeight, { serviceId: "http", blockHeight }))
        .computeUnitsPerRelay;
    expect([await units(10n), await units(11n)]).toEqual([100n, 150n]);
    expect((await client.query(QUERIES.service, { id: "http", dehydrated: false })).service).toMatchObject({
      computeUnitsPerRelay: 150n,
    });
    await devnet.control("set-params", { module: "session", params: { num_suppliers_per_session: 3 } });
    const size = async (blockHeight: bigint) =>
      (
        await client.query(QUERIES.getSession, {
          applicationAddress: address("app"),
          serviceId: "http",
          blockHeight,
        })
      ).session?.suppliers.length;
    expect(await size(0n)).toBe(2);
    await stepTo(11n);
    expect(await size(0n)).toBe(3);
    await devnet.control("set-params", { module: "proof", params: { proof_request_probability: 0.5 } });
    expect((await client.query(QUERIES.proofParams, {})).params?.proofRequestProbability).toBe(0.5);
  });

  test("refusals say why", async () => {
    await expect(
      devnet.control("set-params", { module: "shared", params: { grace_period_end_offset_blocks: 10 } }),
    ).rejects.toMatchObject({ code: "DEVNET_REFUSED", message: expect.stringContaining("InvalidArgument") });
    for (const [name, args] of [
      ["set-params", { module: "nothing", params: {} }],
      ["set-params", { module: "shared", params: { nothing: 1 } }],
      ["set-cupr", { service: "nothing", compute_units_per_relay: 1 }],
      ["no-such-command", {}],
      ["stake", { kind: "supplier", name: "nobody", stake: 1 }],
    ] as const)
      await expect(devnet.control(name, args)).rejects.toMatchObject({ code: "USAGE" });
  });
});

describe("stakes", () => {
  const session = async () =>
    (
      await client.query(QUERIES.getSession, {
        applicationAddress: address("app"),
        serviceId: "http",
        blockHeight: 0n,
      })
    ).session?.suppliers.map((each) => each.operatorAddress);
  const supplier = async (name: string) =>
    (await client.query(QUERIES.supplier, { operatorAddress: address(name), dehydrated: false })).supplier;

  test("a supplier that leaves serves to the end of the session and gets its stake back one session later", async () => {
    await devnet.control("set-params", { module: "session", params: { num_suppliers_per_session: 5 } });
    await stepTo(11n);
    await devnet.control("unstake", { kind: "supplier", name: "one" });
    expect(await supplier("one")).toMatchObject({ unstakeSessionEndHeight: 20n });
    await expect(devnet.control("unstake", { kind: "supplier", name: "one" })).rejects.toMatchObject({
      message: expect.stringContaining("supplier is in unbonding period"),
    });
    expect(await session()).toContain(address("one"));
    await stepTo(21n);
    expect(await session()).not.toContain(address("one"));
    const before = await balance(address("one"));
    await stepTo(30n);
    expect(await balance(address("one"))).toBe(before + 2_000_000n);
    await expect(supplier("one")).rejects.toMatchObject({ code: "CHAIN_NOT_FOUND" });
    expect(eventsOf(30n, "pocket.supplier.EventSupplierUnbondingEnd")).toMatchObject([
      {
        reason: '"SUPPLIER_UNBONDING_REASON_VOLUNTARY"',
        session_end_height: '"30"',
        unbonding_end_height: '"30"',
      },
    ]);
  });

  test("a new supplier serves from the next session on; below the minimum it is refused", async () => {
    const stake = { kind: "supplier", name: "newcomer", url: "http://127.0.0.1:3", services: ["http"] };
    await expect(devnet.control("stake", { ...stake, stake: 5 })).rejects.toMatchObject({
      message: expect.stringContaining(
        `supplier with owner "${address("newcomer")}" must stake at least 1000000upokt: invalid supplier stake`,
      ),
    });
    const before = await balance(address("newcomer"));
    await devnet.control("stake", { ...stake, stake: 3_000_000 });
    expect(await balance(address("newcomer"))).toBe(before - 4_000_000n);
    expect(await supplier("newcomer")).toMatchObject({
      services: [],
      serviceConfigHistory: [{ activationHeight: 11n }],
    });
    await stepTo(11n);
    expect(await supplier("newcomer")).toMatchObject({ services: [{ serviceId: "http" }] });
    expect(eventsOf(11n, "pocket.supplier.EventSupplierServiceConfigActivated")).toEqual([
      {
        activation_height: '"11"',
        operator_address: `"${address("newcomer")}"`,
        service_id: '"http"',
        mode: "BeginBlock",
      },
    ]);
  });

  test("staking again cancels unbonding; other services end with the session", async () => {
    await devnet.control("unstake", { kind: "supplier", name: "two" });
    await stepTo(11n);
    const stake = {
      kind: "supplier",
      name: "two",
      url: "http://127.0.0.1:2",
      services: ["grpc"],
      stake: 2_500_000,
    };
    await devnet.control("stake", stake);
    const record = await supplier("two");
    expect(record).toMatchObject({ unstakeSessionEndHeight: 0n, stake: { amount: "2500000" } });
    const history = record?.serviceConfigHistory.map(
      (entry) => `${entry.service?.serviceId} ${entry.activationHeight} ${entry.deactivationHeight}`,
    );
    expect(history).toEqual(["grpc 1 11", "grpc 21 0", "http 1 11"]);
    await stepTo(40n);
    expect((await supplier("two"))?.serviceConfigHistory).toHaveLength(1);
  });

  test("applications and gateways: delegation, undelegation, leaving", async () => {
    const application = async () =>
      (await client.query(QUERIES.application, { address: address("app") })).application;
    await devnet.control("undelegate", { name: "app", gateway: "gate" });
    expect(await application()).toMatchObject({
      delegateeGatewayAddresses: [],
      pendingUndelegations: new Map([[10n, { gatewayAddresses: [address("gate")] }]]),
    });
    await devnet.control("delegate", { name: "app", gateway: "gate" });
    expect(await application()).toMatchObject({
      delegateeGatewayAddresses: [address("gate")],
      pendingUndelegations: new Map(),
    });
    await devnet.control("unstake", { kind: "gateway", name: "gate" });
    await stepTo(11n);
    expect(await application()).toMatchObject({
      delegateeGatewayAddresses: [],
      pendingUndelegations: new Map([[20n, { gatewayAddresses: [address("gate")] }]]),
    });
    await devnet.control("unstake", { kind: "application", name: "app" });
    await stepTo(21n);
    await expect(session()).rejects.toMatchObject({ code: "CHAIN_REFUSED", fields: { code: 6 } });
    const before = await balance(address("app"));
    await stepTo(30n);
    expect(await balance(address("app"))).toBe(before + 10_000_000_000n);
    await expect(application()).rejects.toMatchObject({ code: "CHAIN_NOT_FOUND" });
    await expect(
      client.query(QUERIES.gateway, { address: address("gate"), dehydrated: false }),
    ).rejects.toMatchObject({ code: "CHAIN_NOT_FOUND" });
  });

  test("an application that changes its service does so with the next session", async () => {
    await devnet.control("stake", {
      kind: "application",
      name: "app",
      stake: 10_000_000_001,
      services: ["grpc"],
    });
    const ask = (serviceId: string) =>
      client.query(QUERIES.getSession, { applicationAddress: address("app"), serviceId, blockHeight: 0n });
    expect((await ask("http")).session?.header?.serviceId).toBe("http");
    await expect(ask("grpc")).rejects.toMatchObject({ fields: { code: 6 } });
    await stepTo(11n);
    expect((await ask("grpc")).session?.header?.serviceId).toBe("grpc");
    await expect(ask("http")).rejects.toMatchObject({ fields: { code: 6 } });
  });
});

test("the control API over HTTP", async () => {
  const post = async (name: string, args: unknown) => {
    const answer = await fetch(`${devnet.rpcUrl}/control/${name}`, {
      method: "POST",
      body: JSON.stringify(args),
    });
    return (await answer.json()) as { ok: boolean; result: Record<string, unknown>; code?: string };
  };
  expect(await post("jump", { blocks: 5 })).toMatchObject({ ok: true, result: { executed: "6" } });
  expect(await post("nothing", {})).toMatchObject({ ok: false, code: "USAGE" });
  const key = toHex(person("alice").publicKey);
  expect(await post("set-account", { public_key: key, balance: "12upokt" })).toMatchObject({ ok: true });
  expect(await balance(address("alice"))).toBe(12n);
  expect(fromHex(key)).toHaveLength(33);
  expect(await post("lag", { ms: 120 })).toMatchObject({ ok: true });
  const start = performance.now();
  await client.status();
  expect(performance.now() - start).toBeGreaterThan(100);
});
