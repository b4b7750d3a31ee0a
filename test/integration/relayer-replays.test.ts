import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { RelayRequest } from "../../src/chain/proto/service.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import type { Reply } from "../../src/runtime/redis/client.ts";
import { openRedis } from "../../src/runtime/redis/connect.ts";
import { redisKeys } from "../../src/runtime/redis/keys.ts";
import { numberOf } from "../../src/runtime/redis/reply.ts";
import { REJECTS } from "../../src/runtime/relayer/rejects.ts";
import { type Network, type NetworkOptions, quiet, startNetwork } from "../kit/network.ts";
import { post, until } from "../kit/post.ts";
import { rotated } from "../kit/rotated.ts";
import { chainHeight, goTo, headerAt } from "../kit/session-steps.ts";
import { streamEntries } from "../kit/stream.ts";
import { TRANSPORTS } from "../kit/transports.ts";

const REPLAYED = { status: 409, error: "the relay was taken before" };
/** 7 compute units at 42 000 000 / 1 000 000 upokt. */
const COST = "294";

/** A chain that stands still: every relay of a test is of one session. */
async function halted(
  mode: "eager" | "optimistic",
  relay: Readonly<Record<string, unknown>> = {},
  more: NetworkOptions = {},
) {
  const network = await startNetwork(mode, {
    relayer: { relay: { verify_workers: 0, ...relay } },
    ...more,
  });
  await network.devnet.control("halt", {});
  return { network, header: await network.header() };
}

async function ask(network: Network, ...command: readonly [string, ...string[]]): Promise<Reply> {
  const redis = await openRedis({ url: network.redis.url, logger: quiet, role: "test" });
  try {
    return await redis.commands.send(...command);
  } finally {
    await redis.close();
  }
}

/** Once it is so much: what is given back may follow the answer. */
const consumedOf = (network: Network, { sessionId }: SessionHeader, wanted: string) =>
  until(
    async () => {
      const key = redisKeys(network.namespace).meterConsumed(sessionId, network.supplier.address);
      return String(await ask(network, "GET", key));
    },
    (consumed) => consumed === wanted,
  );

describe("in eager mode", () => {
  let network: Network;
  let header: SessionHeader;
  beforeEach(async () => {
    ({ network, header } = await halted("eager"));
  });
  afterEach(() => network.close());

  test("a relay is served once, from whichever ring member its signature is written", async () => {
    const request = network.sign(header, "{}");
    expect((await post(network, request)).status).toBe(200);
    const before = network.backendCalls();
    expect(await post(network, request)).toMatchObject(REPLAYED);
    expect(await post(network, rotated(request))).toMatchObject(REPLAYED);
    expect(network.backendCalls()).toBe(before);
    expect(await consumedOf(network, header, COST)).toBe(COST);
    expect(await streamEntries(network, 1)).toHaveLength(1);
    // The other way round: the copy came first, and is a relay as good as any.
    const second = network.sign(header, "{}");
    expect((await post(network, rotated(second))).status).toBe(200);
    expect(await post(network, second)).toMatchObject(REPLAYED);
  });

  test("equal requests that are signed anew are two paid relays", async () => {
    const [first, second] = [network.sign(header, "{}"), network.sign(header, "{}")];
    expect(first.payload).toEqual(second.payload);
    expect((await post(network, first)).status).toBe(200);
    expect((await post(network, second)).status).toBe(200);
    expect(await streamEntries(network, 2)).toHaveLength(2);
  });

  test("of copies that come at once one is served", async () => {
    network.setBackend((_, response) => void setTimeout(() => response.end("{}"), 200));
    const request = network.sign(header, "{}");
    const copies = Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? request : rotated(request)));
    const before = network.backendCalls();
    const statuses = (await Promise.all(copies.map((copy) => post(network, copy)))).map(
      ({ status }) => status,
    );
    expect(statuses.sort()).toEqual([200, ...Array<number>(9).fill(409)]);
    expect(network.backendCalls()).toBe(before + 1);
    expect(await streamEntries(network, 1)).toHaveLength(1);
  });

  test("a relay that failed after its signature was verified may be sent again", async () => {
    const request = network.sign(header, "{}");
    network.setBackend((_, response) => response.writeHead(503).end());
    expect((await post(network, request)).status).toBe(503);
    network.setBackend((incoming) => incoming.socket.destroy());
    expect((await post(network, request)).status).toBe(502);
    network.setBackend((_, response) => response.end("{}"));
    expect((await post(network, request)).status).toBe(200);
    expect((await post(network, request)).status).toBe(409);
    expect(await consumedOf(network, header, COST)).toBe(COST);
  });

  test("a forged copy does not keep the real relay out", async () => {
    const request = network.sign(header, "{}");
    const signature = request.meta.signature.slice();
    // Another challenge and the same pairs: the name of the real one, and not valid.
    signature[5] = (signature[5] ?? 0) ^ 1;
    const forged = { ...request, meta: { ...request.meta, signature } };
    expect((await post(network, forged)).status).toBe(403);
    expect((await post(network, request)).status).toBe(200);
  });

  test("memory goes with the session, whose relays are over then", async () => {
    const request = network.sign(header, "{}");
    expect((await post(network, request)).status).toBe(200);
    await goTo(network, header.sessionEndBlockHeight + 1n);
    expect(await post(network, request)).toMatchObject(REPLAYED);
    await goTo(network, header.sessionEndBlockHeight + 2n);
    expect(await post(network, request)).toMatchObject({ status: 403, error: "the session is over" });
    const next = await headerAt(network, await chainHeight(network));
    expect((await post(network, network.sign(next, "{}"))).status).toBe(200);
  });
});

describe("on every transport", () => {
  let network: Network;
  let header: SessionHeader;
  let stored = 0;
  beforeAll(async () => {
    ({ network, header } = await halted("eager", {}, { webSocket: true }));
  });
  afterAll(() => network.close());

  test.each(TRANSPORTS)("a relay that came over $name is refused on each of them", async ({ send }) => {
    const request = network.sign(header, "{}");
    expect(await send(network, RelayRequest.encode(request))).toBe("served");
    stored += 1;
    expect(await streamEntries(network, stored)).toHaveLength(stored);
    const before = network.backendCalls();
    for (const other of TRANSPORTS)
      for (const copy of [request, rotated(request)])
        expect(await other.send(network, RelayRequest.encode(copy))).toBe(other.told(REJECTS.replayed));
    expect(network.backendCalls()).toBe(before);
  });

  test("of copies that come at once over all of them one is served", async () => {
    const request = network.sign(header, "{}");
    const before = network.backendCalls();
    const outcomes = await Promise.all(
      TRANSPORTS.flatMap(({ send }) =>
        [request, rotated(request)].map((copy) => send(network, RelayRequest.encode(copy))),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === "served")).toHaveLength(1);
    expect(network.backendCalls()).toBe(before + 1);
    expect(await streamEntries(network, stored + 1)).toHaveLength(stored + 1);
    expect(await consumedOf(network, header, String((stored + 1) * Number(COST)))).toBe(
      String((stored + 1) * Number(COST)),
    );
  });
});

test("in optimistic mode a copy is refused once the relay is known, and copies at once are mined once", async () => {
  const { network, header } = await halted("optimistic");
  try {
    const request = network.sign(header, "{}");
    expect((await post(network, request)).status).toBe(200);
    expect(await streamEntries(network, 1)).toHaveLength(1);
    const before = network.backendCalls();
    expect(await post(network, rotated(request))).toMatchObject(REPLAYED);
    expect(network.backendCalls()).toBe(before);
    // Nobody can know them before they are verified, and they are served before that.
    const second = network.sign(header, "{}");
    await Promise.all([second, rotated(second), second, rotated(second)].map((copy) => post(network, copy)));
    await until(
      () => streamEntries(network, 2),
      (entries) => entries.length >= 2,
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await streamEntries(network, 2)).toHaveLength(2);
    expect(await consumedOf(network, header, String(2 * Number(COST)))).toBe(String(2 * Number(COST)));
  } finally {
    await network.close();
  }
});

test("a fleet knows what each of its relayers has taken, in a set that ends with the meter", async () => {
  const { network, header } = await halted("eager", { replays: "fleet" });
  try {
    const second = await network.another();
    const request = network.sign(header, "{}");
    expect((await post(network, request)).status).toBe(200);
    expect(await post(network, rotated(request), { url: second })).toMatchObject(REPLAYED);
    expect((await post(network, network.sign(header, "{}"), { url: second })).status).toBe(200);
    const seen = redisKeys(network.namespace).seenRelays(header.sessionId, network.supplier.address);
    expect(numberOf(await ask(network, "SCARD", seen))).toBe(2);
    expect(numberOf(await ask(network, "TTL", seen))).toBeGreaterThan(7_000);
    expect(await consumedOf(network, header, String(2 * Number(COST)))).toBe(String(2 * Number(COST)));
    // What failed at one may be sent to the other.
    const third = network.sign(header, "{}");
    network.setBackend((_, response) => response.writeHead(500).end());
    expect((await post(network, third)).status).toBe(500);
    expect(numberOf(await ask(network, "SCARD", seen))).toBe(2);
    network.setBackend((_, response) => response.end("{}"));
    expect((await post(network, third, { url: second })).status).toBe(200);
    expect(await post(network, third)).toMatchObject(REPLAYED);
  } finally {
    await network.close();
  }
});

test("by request, an equal request is served once whoever signs it anew; off, nothing is remembered", async () => {
  const strict = await halted("eager", { replays_by: "request" });
  try {
    const { network, header } = strict;
    expect((await post(network, network.sign(header, "{}"))).status).toBe(200);
    expect(await post(network, network.sign(header, "{}"))).toMatchObject(REPLAYED);
    expect((await post(network, network.sign(header, "[]"))).status).toBe(200);
  } finally {
    await strict.network.close();
  }
  const off = await halted("eager", { replays: "off" });
  try {
    const { network, header } = off;
    const request = network.sign(header, "{}");
    expect((await post(network, request)).status).toBe(200);
    expect((await post(network, request)).status).toBe(200);
  } finally {
    await off.network.close();
  }
});
