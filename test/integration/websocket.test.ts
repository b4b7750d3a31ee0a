import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { toHex } from "../../src/base/bytes.ts";
import { systemClock } from "../../src/base/clock.ts";
import { MinedRelayMessage } from "../../src/chain/proto/mined-relay.ts";
import { Relay, RelayRequest, type RelayResponse } from "../../src/chain/proto/service.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { verifyResponse } from "../../src/chain/protocol/response-signature.ts";
import { openRedis, type RedisConnections } from "../../src/runtime/redis/connect.ts";
import { redisKeys } from "../../src/runtime/redis/keys.ts";
import { type Meter, openMeter } from "../../src/runtime/redis/meter.ts";
import { type Network, quiet, startNetwork } from "../kit/network.ts";
import { streamEntries } from "../kit/stream.ts";
import {
  echo,
  handshakeHeaders,
  type SocketBackend,
  SocketClient,
  type SocketMessage,
  signMessage,
  startSocketBackend,
  unsignedHeaders,
  until,
} from "../kit/websocket.ts";

/** What one relay of the kit's service costs: 7 compute units at 42 upokt. */
const COST = 294n;
const textOf = (response: RelayResponse): string => Buffer.from(response.payload).toString();

/** "push N rest": answers "rest" and then N pushes; "same N rest": N times the same; "silent": nothing; anything else is echoed. */
function act(socket: WebSocket, message: SocketMessage): void {
  const text = message.data.toString("latin1");
  const [, word, count, rest = ""] = /^(push|same|close|big|empty) (\d+) ?(.*)$/s.exec(text) ?? [];
  const number = Number(count);
  if (word === "push" || word === "same") {
    socket.send(rest);
    for (let sent = 0; sent < number; sent++) socket.send(word === "push" ? `${rest} push ${sent}` : rest);
  } else if (word === "close") socket.close(number, rest);
  else if (word === "big") socket.send(Buffer.alloc(number));
  else if (word === "empty") {
    socket.send("");
    socket.send(rest);
  } else if (text === "die") socket.terminate();
  else if (text !== "silent") echo(socket, message);
}

describe("a WebSocket relay", () => {
  let network: Network;
  let backend: SocketBackend;
  let header: SessionHeader;
  let redis: RedisConnections;
  let meter: Meter;
  const clients: SocketClient[] = [];
  const connect = async (headers = unsignedHeaders(header)) => {
    const client = await SocketClient.open(network.url, headers);
    clients.push(client);
    return client;
  };
  const ask = (client: SocketClient, payload: string | Uint8Array, isBinary = true) => {
    const request = signMessage(network, header, payload);
    client.send(request, isBinary);
    return request;
  };
  const consumed = async () =>
    (await meter.read({ sessionId: header.sessionId, supplier: network.supplier.address })).consumed;
  /** What was not used is given back after the answer. */
  const untilConsumed = (wanted: bigint) =>
    until(async () => (await consumed()) === wanted, `${wanted} to be consumed`);
  const mined = async (atLeast = 0) =>
    (await streamEntries(network, atLeast)).map((entry) => MinedRelayMessage.decode(entry));
  const closeOf = async (payload: string) => {
    const client = await connect();
    ask(client, payload);
    return client.closing();
  };

  beforeAll(async () => {
    backend = await startSocketBackend(act, {
      path: "/node?key=1",
      onOpen: (socket) => void socket,
    });
    network = await startNetwork("optimistic", {
      service: {
        backends: {
          websocket: {
            url: backend.url,
            headers: { "X-Node": "yes" },
            authentication: { bearer_token: "s3cret" },
          },
        },
      },
    });
    // A chain that stands still: every relay is of one session.
    await network.devnet.control("halt", {});
    header = await network.header();
    redis = await openRedis({ url: network.redis.url, logger: quiet, role: "test" });
    const keys = redisKeys(network.namespace);
    meter = openMeter({ redis, keys, clock: systemClock, ttlSeconds: 100 });
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.socket.terminate();
  });
  afterAll(async () => {
    await redis.close();
    await network.close();
    await backend.close();
  });

  test("goes to the backend as it is; the answer comes signed, is mined at the service's weight and paid for", async () => {
    const before = { entries: (await mined()).length, consumed: await consumed() };
    const client = await connect(handshakeHeaders(network, header));
    const request = ask(client, '{"id":1}');
    const response = await client.response(0);
    expect(textOf(response)).toBe('re:{"id":1}');
    expect(verifyResponse(response, network.supplier.publicKey)).toBe(true);
    expect(response.meta.sessionHeader).toEqual(header);
    const entry = (await mined(before.entries + 1)).at(-1);
    expect(entry).toMatchObject({ computeUnitsPerRelay: 7n, sessionId: header.sessionId });
    const relay = Relay.decode(entry?.relayBytes ?? new Uint8Array());
    expect(toHex(RelayRequest.encode(relay.req ?? RelayRequest.create()))).toBe(toHex(request));
    expect(relay.res?.meta.supplierOperatorSignature).toEqual(response.meta.supplierOperatorSignature);
    await untilConsumed(before.consumed + COST);
  });

  test("the backend gets its own credentials and who asks, and nothing that the client sent", async () => {
    const forged = {
      authorization: "Bearer stolen",
      cookie: "a=b",
      "pocket-service": "other",
      "x-node": "no",
    };
    await connect({ ...handshakeHeaders(network, header), ...forged });
    const headers = backend.opened.at(-1);
    expect(headers).toMatchObject({
      ":path": "/node?key=1",
      authorization: "Bearer s3cret",
      "x-node": "yes",
      "pocket-service": header.serviceId,
      "pocket-supplier": network.supplier.address,
      "pocket-application": network.application.address,
    });
    for (const name of ["cookie", "pocket-signature", "origin", "sec-websocket-extensions"])
      expect(headers?.[name]).toBeUndefined();
  });

  test("frames keep their type and their order, also TEXT frames that hold no text", async () => {
    const client = await connect();
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    for (let index = 0; index < 40; index++) ask(client, Uint8Array.of(index, ...bytes), index % 2 === 0);
    for (let index = 0; index < 40; index++) {
      const { payload } = await client.response(index);
      expect(client.got[index]?.isBinary).toBe(index % 2 === 0);
      expect(Buffer.from(payload)).toEqual(Buffer.from([0x72, 0x65, 0x3a, index, ...bytes]));
    }
  });

  test("every push is a relay of its own: signed, mined, and paid for", async () => {
    const before = { entries: (await mined()).length, consumed: await consumed() };
    const client = await connect();
    ask(client, "push 9 feed");
    const texts: string[] = [];
    for (let index = 0; index < 10; index++) {
      const response = await client.response(index);
      expect(verifyResponse(response, network.supplier.publicKey)).toBe(true);
      texts.push(textOf(response));
    }
    expect(texts).toEqual(["feed", ...Array.from({ length: 9 }, (_, index) => `feed push ${index}`)]);
    const entries = (await mined(before.entries + 10)).slice(before.entries);
    expect(new Set(entries.map(({ relayHash }) => toHex(relayHash))).size).toBe(10);
    await untilConsumed(before.consumed + 10n * COST);
  });

  test("an answer equal to one before makes no other leaf: it is delivered, and charged once", async () => {
    const before = { entries: (await mined()).length, consumed: await consumed() };
    const client = await connect();
    ask(client, "same 4 tick");
    for (let index = 0; index < 5; index++) expect(textOf(await client.response(index))).toBe("tick");
    expect((await mined(before.entries + 1)).length - before.entries).toBe(1);
    await untilConsumed(before.consumed + COST);
  });

  test("requests that were never answered are given back when the connection ends", async () => {
    const before = await consumed();
    const client = await connect();
    for (let sent = 0; sent < 3; sent++) ask(client, "silent");
    await until(async () => (await consumed()) - before === 3n * COST, "three charges");
    ask(client, "answered");
    await client.response(0);
    expect((await consumed()) - before).toBe(4n * COST);
    client.socket.close(1000);
    await until(async () => (await consumed()) - before === COST, "what was not used");
  });

  test("messages of the backend before the first request wait for it; empty ones are no relays", async () => {
    const before = (await mined()).length;
    const client = await connect();
    const socket = backend.sockets.at(-1);
    for (let index = 0; index < 20; index++) socket?.send(`early ${index}`);
    ask(client, "empty 1 full");
    const texts: string[] = [];
    for (let index = 0; index < 17; index++) texts.push(textOf(await client.response(index)));
    expect(texts).toEqual([...Array.from({ length: 16 }, (_, index) => `early ${index}`), "full"]);
    expect((await mined(before + 17)).length - before).toBe(17);
  });

  describe("is refused", () => {
    /** What closes the connection, and with what. */
    const refusals: [string, (base: SessionHeader) => Buffer, RegExp][] = [
      ["noise", () => Buffer.from("{}"), /not a valid RelayRequest/],
      ["nothing", () => Buffer.alloc(0), /not a valid RelayRequest/],
      ["a request without header", () => Buffer.from([0x0a, 0]), /no session header/],
      ["an empty message", (base) => signMessage(network, base, ""), /the message is empty/],
      [
        "somebody else's signature",
        (base) => signMessage(network, base, "x", { signer: network.newcomer }),
        /ring signature/,
      ],
      [
        "another session",
        (base) => signMessage(network, { ...base, sessionId: "0".repeat(64) }, "x"),
        /session is not the chain's/,
      ],
      [
        "another application",
        (base) => signMessage(network, { ...base, applicationAddress: network.gateway.address }, "x"),
        /session is not the chain's/,
      ],
      [
        "another supplier",
        (base) => signMessage(network, base, "x", { supplier: network.gateway.address }),
        /supplier's key is not held/,
      ],
      [
        "another service",
        (base) => signMessage(network, { ...base, serviceId: "other" }, "x"),
        /not served here/,
      ],
      [
        "heights far away",
        (base) => signMessage(network, { ...base, sessionEndBlockHeight: 50_000n }, "x"),
        /heights are not plausible/,
      ],
    ];

    test.each(refusals)(
      "%s as a second message: 4001, and nothing of it reaches the backend",
      async (_, bad, why) => {
        const client = await connect(handshakeHeaders(network, header));
        ask(client, "good");
        await client.response(0);
        const before = {
          got: backend.got.length,
          entries: (await mined()).length,
          consumed: await consumed(),
        };
        client.send(bad(header));
        const { code, reason } = await client.closing();
        expect(code).toBe(4001);
        expect(reason).toMatch(why);
        await until(() => backend.closed.at(-1)?.code === 1008, "the backend to hear of it");
        expect(backend.got.length).toBe(before.got);
        expect((await mined()).length).toBe(before.entries);
        await untilConsumed(before.consumed);
      },
    );

    test("a message that came before: 4001, here and on another connection", async () => {
      const [first, second] = [await connect(), await connect()];
      const request = ask(first, "once");
      await first.response(0);
      const before = backend.got.length;
      second.send(request);
      expect(await second.closing()).toMatchObject({ code: 4001 });
      first.send(request);
      expect(await first.closing()).toMatchObject({ code: 4001 });
      expect(backend.got.length).toBe(before);
    });
  });

  describe("closes", () => {
    test.each([
      ["close 1000 bye", { code: 1000, reason: "bye" }],
      ["close 1012 restart", { code: 1012, reason: "restart" }],
      ["close 3210 own", { code: 3210, reason: "own" }],
    ])("with the backend's code: %s", async (payload, closing) => {
      expect(await closeOf(payload)).toEqual(closing);
    });

    test("with 4003 when the backend breaks, after what it had sent", async () => {
      const client = await connect();
      ask(client, "push 3 last");
      await client.response(3);
      ask(client, "die");
      expect(await client.closing()).toMatchObject({ code: 4003 });
    });

    test("with 1009 when a message of the backend is too large, or one of the client's", async () => {
      expect(await closeOf(`big ${15 * 1_048_576 + 1}`)).toMatchObject({ code: 1009 });
      const client = await connect();
      client.send(Buffer.alloc(15 * 1_048_576 + 1));
      expect(await client.closing()).toMatchObject({ code: 1009 });
      await until(() => backend.closed.at(-1)?.code === 1001, "the backend to hear of it");
    });

    test("the backend's connection with the client's code, or 1001 when the client is just gone", async () => {
      const leaving = await connect();
      leaving.socket.close(3001, "done");
      await until(() => backend.closed.at(-1)?.code === 3001, "3001");
      expect(backend.closed.at(-1)?.reason).toBe("done");
      const without = await connect();
      without.socket.close();
      await until(() => backend.closed.at(-1)?.code === 1000, "1000");
      const lost = await connect();
      lost.socket.terminate();
      await until(() => backend.closed.at(-1)?.code === 1001, "1001");
    });
  });

  describe("a handshake", () => {
    const status = async (headers: Record<string, string>, path = "/") =>
      SocketClient.open(`${network.url}${path}`, headers).then(
        (client) => {
          clients.push(client);
          return 101;
        },
        (error: Error) => Number(/\d{3}/.exec(error.message)?.[0]),
      );

    test("names its service in one of four places", async () => {
      const { serviceId } = header;
      expect(await status({ "Target-Service-Id": serviceId })).toBe(101);
      expect(await status({ "Pocket-Service-Id": serviceId })).toBe(101);
      expect(await status({ "X-Forwarded-Host": serviceId })).toBe(101);
      expect(await status({}, `/${serviceId}/v1`)).toBe(101);
      // What a proxy in front of us sets is no service.
      expect(await status({ "X-Forwarded-Host": "relay.example" }, `/${serviceId}`)).toBe(101);
      expect(await status({})).toBe(400);
      expect(await status({ "Target-Service-Id": "other" })).toBe(404);
      expect(await status({ "X-Forwarded-Host": "relay.example" })).toBe(404);
    });

    test("takes any origin, agrees on no protocol and on no compression", async () => {
      const client = await SocketClient.open(network.url, unsignedHeaders(header), {
        origin: "https://anywhere.example",
        perMessageDeflate: true,
      });
      clients.push(client);
      expect([client.socket.protocol, client.socket.extensions]).toEqual(["", ""]);
    });

    test("that is not one of WebSocket is told so, and the relay port serves on", async () => {
      const before = backend.opened.length;
      const bad: Record<string, string>[] = [
        { upgrade: "h2c" },
        { upgrade: "websocket", "sec-websocket-key": "short" },
        {
          upgrade: "websocket",
          "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
          "sec-websocket-version": "8",
        },
      ];
      const { request } = await import("node:http");
      for (const headers of bad) {
        const answer = await new Promise<number | undefined>((resolve, reject) => {
          const asked = request(network.url, {
            headers: { ...unsignedHeaders(header), connection: "upgrade", ...headers },
          });
          asked.once("response", (response) => {
            response.resume();
            resolve(response.statusCode);
          });
          asked.once("error", reject);
          asked.end();
        });
        expect(answer).toBe(400);
      }
      expect(backend.opened.length).toBe(before);
      expect((await fetch(`${network.url}/health`)).status).toBe(200);
    });
  });
});

describe("a handshake's signature", () => {
  let network: Network;
  let backend: SocketBackend;
  let header: SessionHeader;
  const statusOf = async (mode: string, headers: Record<string, string>) => {
    const url = await network.another({ relay: { websocket: { handshake_signature: mode } } });
    return attempt(url, headers);
  };
  const attempt = (url: string, headers: Record<string, string>) =>
    SocketClient.open(url, headers).then(
      (client) => {
        client.socket.terminate();
        return 101;
      },
      (error: Error) => Number(/\d{3}/.exec(error.message)?.[0]),
    );

  beforeAll(async () => {
    backend = await startSocketBackend();
    network = await startNetwork("eager", { service: { backends: { websocket: { url: backend.url } } } });
    await network.devnet.control("halt", {});
    header = await network.header();
  });
  afterAll(async () => {
    await network.close();
    await backend.close();
  });

  const kinds: [string, () => Record<string, string>, number][] = [
    ["valid", () => handshakeHeaders(network, header), 101],
    ["none, as older clients send it", () => unsignedHeaders(header), 403],
    ["forged", () => handshakeHeaders(network, header, { signer: network.newcomer }), 403],
    [
      "of another session",
      () => ({ ...handshakeHeaders(network, header), "Pocket-Session-Id": "1".repeat(64) }),
      403,
    ],
    [
      "of another end height",
      () => ({
        ...handshakeHeaders(network, header),
        "Pocket-Session-End-Height": String(header.sessionEndBlockHeight + 1n),
      }),
      403,
    ],
    [
      "of another supplier",
      () => ({ ...handshakeHeaders(network, header), "Pocket-Supplier-Address": network.gateway.address }),
      503,
    ],
    ["that is no base64", () => ({ ...handshakeHeaders(network, header), "Pocket-Signature": "%%" }), 403],
    [
      "without heights",
      () => ({ ...handshakeHeaders(network, header), "Pocket-Session-Start-Height": "" }),
      403,
    ],
  ];

  test.each(["off", "warn"])("does not decide: %s", async (mode) => {
    const url = await network.another({ relay: { websocket: { handshake_signature: mode } } });
    for (const [kind, headers] of kinds) expect(await attempt(url, headers()), kind).toBe(101);
  });

  test.each(kinds)("must be valid when it is enforced: %s", async (_, headers, status) => {
    const before = backend.opened.length;
    expect(await statusOf("enforce", headers())).toBe(status);
    expect(backend.opened.length - before).toBe(status === 101 ? 1 : 0);
  });

  test("is good for one connection when it is enforced", async () => {
    const url = await network.another({ relay: { websocket: { handshake_signature: "enforce" } } });
    const headers = handshakeHeaders(network, header);
    expect([await attempt(url, headers), await attempt(url, headers)]).toEqual([101, 403]);
  });
});
