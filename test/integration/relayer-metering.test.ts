import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { PoktHttpResponse } from "../../src/chain/proto/http-envelope.ts";
import { RelayRequest, RelayResponse } from "../../src/chain/proto/service.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { verifyResponse } from "../../src/chain/protocol/response-signature.ts";
import { openRedis, type RedisConnections } from "../../src/runtime/redis/connect.ts";
import { redisKeys } from "../../src/runtime/redis/keys.ts";
import { type Meter, openMeter } from "../../src/runtime/redis/meter.ts";
import { listOf, textsOf } from "../../src/runtime/redis/reply.ts";
import { serviceFactors } from "../../src/runtime/redis/service-factors.ts";
import { supplierRecords } from "../../src/runtime/redis/supplier-records.ts";
import { REJECTS } from "../../src/runtime/relayer/rejects.ts";
import { type Network, quiet, startNetwork } from "../kit/network.ts";
import { post, until } from "../kit/post.ts";
import { streamEntries } from "../kit/stream.ts";
import { TRANSPORTS } from "../kit/transports.ts";

// 44 129 upokt over 15 suppliers are 2 941, over ceil(9 / 20) + 1 = 2 unsettled sessions 1 470. A relay costs
// 7 compute units at 42 000 000 / 1 000 000 upokt: 294. So 5 relays, and none is left over.
const STAKE = 44_129;
const COST = 294n;
const LIMIT = 1_470n;

/** A chain that stands still: every relay of a test is of one session. */
async function startHalted(...settings: Parameters<typeof startNetwork>) {
  const network = await startNetwork(...settings);
  await network.devnet.control("halt", {});
  return { network, header: await network.header() };
}

async function openCounters(network: Network) {
  const redis = await openRedis({ url: network.redis.url, logger: quiet, role: "test" });
  const keys = redisKeys(network.namespace);
  return { redis, keys, meter: openMeter({ redis, keys, clock: systemClock, ttlSeconds: 100 }) };
}

describe("a metered application", () => {
  let network: Network;
  let header: SessionHeader;
  let redis: RedisConnections;
  let meter: Meter;
  let ids = 0;
  const relay = (url?: string) =>
    post(network, network.sign(header, JSON.stringify({ id: ++ids })), url === undefined ? {} : { url });
  const session = () => ({ sessionId: header.sessionId, supplier: network.supplier.address });
  const openFactors = async () => {
    const keys = redisKeys(network.namespace);
    const records = supplierRecords({ redis, keys, logger: quiet });
    const update = { action: "update", operatorAddress: network.supplier.address, services: [], reason: "" };
    return {
      factors: serviceFactors(redis.commands, keys, systemClock),
      announce: () => records.announce(update),
    };
  };
  /** What is given back may follow the answer. */
  const consumed = (wanted: bigint) =>
    until(
      async () => (await meter.read(session())).consumed,
      (now) => now === wanted,
    );

  beforeAll(async () => {
    ({ network, header } = await startHalted("eager", { stake: STAKE }));
    ({ redis, meter } = await openCounters(network));
  });
  afterEach(() => meter.forget(session()));
  afterAll(async () => {
    await redis.close();
    await network.close();
  });

  test("is served to the limit, in the phrase that PATH knows after it, by two relayers as by one", async () => {
    const second = await network.another();
    const statuses: number[] = [];
    for (const url of [undefined, second, second, undefined, second])
      statuses.push((await relay(url)).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200]);
    const before = network.backendCalls();
    for (const url of [undefined, second])
      expect(await relay(url)).toMatchObject({ status: 429, error: "session relay limit reached" });
    expect(network.backendCalls()).toBe(before);
    expect(await consumed(5n * COST)).toBe(5n * COST);
    expect((await streamEntries(network, 5)).length).toBe(5);
  });

  test("what no valid signature asked for costs it nothing", async () => {
    const forged = network.sign(header, "{}", { signer: network.newcomer });
    for (let sent = 0; sent < 8; sent++) expect((await post(network, forged)).status).toBe(403);
    expect(await consumed(0n)).toBe(0n);
  });

  test("a relay that earns nothing is given back, whatever went wrong", async () => {
    network.setBackend((_, response) => response.writeHead(503).end("down"));
    for (let sent = 0; sent < 8; sent++) expect((await relay()).status).toBe(503);
    network.setBackend((request) => request.socket.destroy());
    for (let sent = 0; sent < 8; sent++) expect((await relay()).status).toBe(502);
    expect(await consumed(0n)).toBe(0n);
    network.setBackend((_, response) => response.end("{}"));
    expect((await relay()).status).toBe(200);
    expect(await consumed(COST)).toBe(COST);
  });

  test("a limit that another replica made of other figures is told anew", async () => {
    expect((await relay()).status).toBe(200);
    expect((await meter.read(session())).meta).toMatchObject({ limit: LIMIT, applicationStake: 44_129n });
    // The record of another replica, made before the stake changed.
    await meter.revise({
      ...session(),
      application: network.application.address,
      serviceId: header.serviceId,
      sessionEndHeight: header.sessionEndBlockHeight,
      limit: 1n,
      factor: 0,
      applicationStake: 1n,
    });
    const third = await network.another();
    expect((await relay(third)).status).toBe(200);
    const revised = await until(
      async () => (await meter.read(session())).meta,
      (meta) => meta?.limit === LIMIT,
    );
    expect(revised).toMatchObject({ limit: LIMIT, applicationStake: 44_129n });
    expect(await consumed(2n * COST)).toBe(2n * COST);
  });

  test("a service factor takes the place of the split stake as soon as it is set", async () => {
    const { factors, announce } = await openFactors();
    expect((await relay()).status).toBe(200);
    // 44 129 * 0.02 = 882.58: three relays
    await factors.set(header.serviceId, 0.02);
    await announce();
    const told = await until(
      async () => {
        await relay();
        return (await meter.read(session())).meta;
      },
      (meta) => meta?.limit === 882n,
    );
    expect(told).toMatchObject({ limit: 882n, factor: 0.02 });
    const denied = await until(
      () => relay(),
      ({ status }) => status !== 200,
    );
    expect(denied.status).toBe(429);
    expect(await consumed(3n * COST)).toBe(3n * COST);
    await factors.set(header.serviceId, undefined);
    await announce();
    expect(
      (
        await until(
          () => relay(),
          ({ status }) => status === 200,
        )
      ).status,
    ).toBe(200);
  });

  test("when the miner says that the session is over its counters go", async () => {
    expect((await relay()).status).toBe(200);
    expect(await meter.active()).toEqual([session()]);
    await meter.announceEnd(session());
    expect(
      await until(
        () => meter.active(),
        (active) => active.length === 0,
      ),
    ).toEqual([]);
    expect(await meter.read(session())).toEqual({ meta: undefined, consumed: 0n });
  });
});

describe("with Redis silent", () => {
  const relay = { publish: "after_reply" };

  test("a meter that fails open serves unmetered", async () => {
    const { network, header } = await startHalted("eager", { relayer: { relay } });
    try {
      expect((await post(network, network.sign(header, "1"))).status).toBe(200);
      network.redis.pause();
      expect((await post(network, network.sign(header, "2"))).status).toBe(200);
      network.redis.resume();
      expect((await post(network, network.sign(header, "3"))).status).toBe(200);
    } finally {
      network.redis.resume();
      await network.close();
    }
  });

  test("a meter that fails closed refuses, asks no backend, and serves again when Redis is back", async () => {
    const { network, header } = await startHalted("eager", {
      relayer: { relay, relay_meter: { fail_behavior: "closed" } },
    });
    try {
      expect((await post(network, network.sign(header, "1"))).status).toBe(200);
      network.redis.pause();
      const before = network.backendCalls();
      expect(await post(network, network.sign(header, "2"))).toMatchObject({
        status: 503,
        error: "the relay meter is not available",
      });
      expect(network.backendCalls()).toBe(before);
      network.redis.resume();
      const back = await until(
        () => post(network, network.sign(header, "3")),
        ({ status }) => status === 200,
      );
      expect(back.status).toBe(200);
    } finally {
      network.redis.resume();
      await network.close();
    }
  });
});

test.each(["eager", "optimistic"] as const)(
  "with the meter off everything but the count is checked, on every transport, in %s mode",
  async (mode) => {
    const { network, header } = await startHalted(mode, {
      webSocket: true,
      relayer: { relay_meter: { enabled: false } },
    });
    const { redis, keys } = await openCounters(network);
    let stored = 0;
    let ids = 0;
    const sign = (changes: Partial<SessionHeader> = {}, signer = network.gateway) =>
      RelayRequest.encode(network.sign({ ...header, ...changes }, String(++ids), { signer }));
    try {
      for (const { send, told, checksFirst = false } of TRANSPORTS) {
        const good = sign();
        expect(await send(network, good)).toBe("served");
        stored += 1;
        expect(await streamEntries(network, stored)).toHaveLength(stored);
        expect(await send(network, good)).toBe(told(REJECTS.replayed));
        const isChecked = mode === "eager" || checksFirst;
        const forged = await send(network, sign({}, network.newcomer));
        expect(forged).toBe(isChecked ? told(REJECTS.signature_invalid) : "served");
        const elsewhere = await send(network, sign({ sessionId: "00".repeat(32) }));
        expect(elsewhere).toBe(isChecked ? told(REJECTS.session_invalid) : "served");
        expect(await send(network, sign())).toBe("served");
        stored += 1;
        expect(await streamEntries(network, stored)).toHaveLength(stored);
      }
      expect(await redis.commands.send("EXISTS", keys.meterActive)).toBe(0);
    } finally {
      await redis.close();
      await network.close();
    }
  },
);

test("counters and clean-up follow the fleet's namespace, whatever relay_meter.redis_key_prefix says", async () => {
  const { network, header } = await startHalted("eager", {
    namespace: { base_prefix: "own", meter_prefix: "spent" },
    relayer: { relay_meter: { redis_key_prefix: "other" } },
  });
  const { redis, meter } = await openCounters(network);
  const counters = async () =>
    textsOf(listOf(await redis.commands.send("KEYS", "*spent*"))).filter(
      (key) => !key.endsWith("active_sessions"),
    );
  try {
    expect((await post(network, network.sign(header, "1"))).status).toBe(200);
    const of = `own:spent:${header.sessionId}:${network.supplier.address}`;
    expect(new Set(await counters())).toEqual(new Set([`${of}:meta`, `${of}:consumed`]));
    expect(textsOf(listOf(await redis.commands.send("KEYS", "other*")))).toEqual([]);
    expect(textsOf(listOf(await redis.commands.send("KEYS", "ha*")))).toEqual([]);
    await meter.announceEnd({ sessionId: header.sessionId, supplier: network.supplier.address });
    expect(await until(counters, (keys) => keys.length === 0)).toEqual([]);
  } finally {
    await redis.close();
    await network.close();
  }
});

test("over its limit an application is answered as chosen: a signed error that is neither paid nor a response", async () => {
  const { network, header } = await startHalted("eager", {
    stake: STAKE,
    relayer: { relay: { verify_workers: 0, over_limit_answer: "signed" } },
  });
  try {
    for (let sent = 0; sent < 5; sent++)
      expect((await post(network, network.sign(header, `${sent}`))).status).toBe(200);
    const body = Buffer.from(RelayRequest.encode(network.sign(header, "one more")));
    const before = network.backendCalls();
    const answer = await fetch(network.url, { method: "POST", body });
    expect(answer.status).toBe(200);
    const response = RelayResponse.decode(new Uint8Array(await answer.arrayBuffer()));
    expect(verifyResponse(response, network.supplier.publicKey)).toBe(true);
    expect(response.relayMinerError).toMatchObject({ codespace: "relayer_proxy", code: 7 });
    expect(response.meta.sessionHeader).toEqual(header);
    expect(() => PoktHttpResponse.decode(response.payload)).toThrow();
    expect(network.backendCalls()).toBe(before);
    expect(await streamEntries(network, 5)).toHaveLength(5);
  } finally {
    await network.close();
  }
});
