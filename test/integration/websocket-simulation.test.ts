import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { verifyResponse } from "../../src/chain/protocol/response-signature.ts";
import { freePort } from "../kit/free-port.ts";
import { type Network, startNetwork } from "../kit/network.ts";
import { chainHeight, goTo } from "../kit/session-steps.ts";
import { KEY_ID, SIMULATION, simulatedHeader, simulationIdentity } from "../kit/simulation.ts";
import { streamEntries } from "../kit/stream.ts";
import {
  handshakeHeaders,
  type SocketBackend,
  SocketClient,
  signMessage,
  startSocketBackend,
  until,
} from "../kit/websocket.ts";

let network: Network;
let backend: SocketBackend;
let metricsUrl: string;
const clients: SocketClient[] = [];

/** "silent": nothing; "push": the message and two more; anything else: the message. */
beforeAll(async () => {
  backend = await startSocketBackend((socket, { data }) => {
    const text = data.toString("latin1");
    if (text.startsWith("silent")) return;
    socket.send(`re:${text}`);
    if (text.startsWith("push")) for (const push of [1, 2]) socket.send(`${text} ${push}`);
  });
  const addr = `127.0.0.1:${await freePort()}`;
  metricsUrl = `http://${addr}/metrics`;
  network = await startNetwork("optimistic", {
    service: { backends: { websocket: { url: backend.url } } },
    relayer: {
      metrics: { enabled: true, addr },
      simulation: {
        ...SIMULATION,
        identities: [simulationIdentity("probe"), simulationIdentity("slow", { max_rps: 0.001 })],
      },
    },
  });
});
afterEach(() => {
  for (const client of clients.splice(0)) client.socket.terminate();
});
afterAll(async () => {
  await network.close();
  await backend.close();
});

async function open(keyId = "probe", url = network.url, more: Readonly<Record<string, string>> = {}) {
  const headers = { "Target-Service-Id": "kit-svc", [KEY_ID]: keyId, ...more };
  const client = await SocketClient.open(url, headers);
  clients.push(client);
  return client;
}

const message = (payload: string, changes: Partial<SessionHeader> = {}): Buffer =>
  signMessage(network, simulatedHeader(network, changes), payload);

const scraped = async (): Promise<string[]> => (await (await fetch(metricsUrl)).text()).split("\n");

test("answers and pushes of one connection come signed, over blocks and sessions; nothing is stored, metered or counted among the others", async () => {
  const client = await open();
  client.send(message("push a"), false);
  for (const [index, payload] of ["re:push a", "push a 1", "push a 2"].entries()) {
    const response = await client.response(index);
    expect(Buffer.from(response.payload).toString()).toBe(payload);
    expect(verifyResponse(response, network.supplier.publicKey)).toBe(true);
    expect(response.meta.sessionHeader?.sessionId).toMatch(/^simv1:/);
  }
  await goTo(network, (await chainHeight(network)) + 30n);
  client.send(message("b"));
  expect(Buffer.from((await client.response(3)).payload).toString()).toBe("re:b");
  expect(client.closed).toBeUndefined();
  expect(await streamEntries(network, 0)).toEqual([]);
  const served = `ha_relayer_simulated_relays_total{transport="websocket",service="kit-svc",supplier="${network.supplier.address}",result="served"} 4`;
  await until(async () => (await scraped()).includes(served), served);
  const lines = await scraped();
  const counted = (name: string) =>
    lines.filter((line) => line.startsWith(`ha_relayer_${name}`) && !/ 0$/.test(line));
  for (const name of [
    "relays_received_total",
    "relays_served_total",
    "relays_rejected_total",
    "websocket_messages",
    "websocket_relays",
    "websocket_connections_total",
    "websocket_handshakes",
    "validation",
    "meter",
  ])
    expect(counted(name)).toEqual([]);
});

test("a message that is refused closes its connection with 4001, and the backend's with 1008", async () => {
  const client = await open();
  const taken = message("c");
  client.send(taken);
  await client.message(0);
  const [got, closed] = [backend.got.length, backend.closed.length];
  client.send(taken);
  expect(await client.closing()).toMatchObject({ code: 4001, reason: "the relay was taken before" });
  await until(() => backend.closed.length > closed, "the backend's close");
  expect(backend.closed.at(-1)).toMatchObject({ code: 1008 });
  const empty = await open();
  empty.send(message(""));
  expect(await empty.closing()).toMatchObject({ code: 4001 });
  const real = await open();
  real.send(signMessage(network, await network.header(), "d"));
  expect(await real.closing()).toMatchObject({ code: 4001 });
  expect(backend.got).toHaveLength(got);
});

test("a key's rate and the places are bounded: 1013. A place is free when it is answered, or when its connection ends", async () => {
  // The handshake's signature is not one of its relays.
  const slow = await open("slow", network.url, handshakeHeaders(network, simulatedHeader(network)));
  slow.send(message("e"));
  await slow.message(0);
  slow.send(message("f"));
  expect(await slow.closing()).toMatchObject({ code: 1013 });

  const waiting: SocketClient[] = [];
  for (let index = 0; index < SIMULATION.max_concurrent; index++) {
    const { length } = backend.got;
    const client = await open();
    waiting.push(client);
    client.send(message(`silent ${index}`));
    await until(() => backend.got.length > length, "the message");
  }
  const another = await open();
  another.send(message("g"));
  expect(await another.closing()).toMatchObject({
    code: 1013,
    reason: expect.stringContaining("too many are in work"),
  });
  for (const client of waiting) client.socket.close();
  await until(async () => {
    const next = await open();
    return typeof (await next.next(message("h"))) !== "number";
  }, "a free place");
  const last = await open();
  for (let index = 0; index < 3 * SIMULATION.max_concurrent; index++) {
    last.send(message(`i ${index}`));
    await last.message(index);
  }
});

test("without Redis none is served", async () => {
  const client = await open();
  network.redis.pause();
  try {
    client.send(message("j"));
    expect(await client.closing()).toMatchObject({ code: 4001 });
  } finally {
    network.redis.resume();
  }
});

test("where handshakes must be signed, one is by the pinned keys, once", async () => {
  const url = await network.another({
    relay: { websocket: { handshake_signature: "enforce" } },
    metrics: { enabled: false },
  });
  const signed = handshakeHeaders(network, simulatedHeader(network));
  const client = await open("probe", url, signed);
  client.send(message("k"));
  expect(Buffer.from((await client.response(0)).payload).toString()).toBe("re:k");
  const stranger = handshakeHeaders(network, simulatedHeader(network), { signer: network.newcomer });
  for (const headers of [{}, signed, stranger])
    await expect(open("probe", url, headers)).rejects.toThrow("403");
});
