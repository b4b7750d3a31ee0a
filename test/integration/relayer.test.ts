import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PoktHttpResponse } from "../../src/chain/proto/http-envelope.ts";
import { MinedRelayMessage } from "../../src/chain/proto/mined-relay.ts";
import { Relay, RelayRequest, RelayResponse } from "../../src/chain/proto/service.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { relayHash } from "../../src/chain/protocol/relay-hash.ts";
import { verifyResponse } from "../../src/chain/protocol/response-signature.ts";
import { h2Request, h2Session } from "../kit/h2-client.ts";
import { type Network, startNetwork } from "../kit/network.ts";
import { streamEntries } from "../kit/stream.ts";

const body = (id: number) => JSON.stringify({ jsonrpc: "2.0", method: "eth_blockNumber", params: [], id });

async function post(network: Network, bytes: Uint8Array, headers: Record<string, string> = {}) {
  const response = await fetch(network.url, { method: "POST", body: Buffer.from(bytes), headers });
  return {
    status: response.status,
    type: response.headers.get("content-type"),
    bytes: new Uint8Array(await response.arrayBuffer()),
  };
}

const errorOf = (bytes: Uint8Array): string => JSON.parse(new TextDecoder().decode(bytes)).error;

describe.each(["eager", "optimistic"] as const)("a relayer in %s mode", (mode) => {
  let network: Network;
  let header: SessionHeader;
  beforeAll(async () => {
    network = await startNetwork(mode);
    await network.devnet.control("halt", {});
    header = await network.header();
  });
  afterAll(() => network.close());

  test("answers a good relay with the supplier's signature and stores just that answer for the miner", async () => {
    const request = network.sign(header, body(1));
    const { status, type, bytes } = await post(network, RelayRequest.encode(request), {
      accept: "application/x",
    });
    expect({ status, type }).toEqual({ status: 200, type: "application/x" });
    const response = RelayResponse.decode(bytes);
    expect(verifyResponse(response, network.supplier.publicKey)).toBe(true);
    expect(PoktHttpResponse.decode(response.payload).statusCode).toBe(200);
    const [entry] = await streamEntries(network, 1);
    const message = MinedRelayMessage.decode(entry ?? new Uint8Array());
    expect(message).toMatchObject({
      computeUnitsPerRelay: 7n,
      sessionId: header.sessionId,
      sessionEndHeight: header.sessionEndBlockHeight,
      supplierOperatorAddress: network.supplier.address,
      applicationAddress: network.application.address,
    });
    expect(relayHash(message.relayBytes)).toEqual(message.relayHash);
    const relay = Relay.decode(message.relayBytes);
    expect(relay.res?.meta).toEqual(response.meta);
    expect(relay.res?.payload.length).toBe(0);
  });

  test.each<[string, number, (request: RelayRequest) => RelayRequest]>([
    ["a service that is not served", 404, (request) => withHeader(request, { serviceId: "other" })],
    ["no supplier", 400, (request) => withMeta(request, { supplierOperatorAddress: "" })],
    [
      "heights from another age",
      400,
      (request) => withHeader(request, { sessionStartBlockHeight: 90_001n, sessionEndBlockHeight: 90_010n }),
    ],
    ["no envelope inside", 400, (request) => ({ ...request, payload: Uint8Array.of(0xff) })],
    [
      "a supplier whose key is not here",
      503,
      (request) => withMeta(request, { supplierOperatorAddress: network.application.address }),
    ],
  ])("refuses %s with %i before the backend is asked", async (_, expected, change) => {
    const before = network.backendCalls();
    const { status, bytes } = await post(network, RelayRequest.encode(change(network.sign(header, body(2)))));
    expect(status).toBe(expected);
    expect(errorOf(bytes)).toBeTruthy();
    expect(network.backendCalls()).toBe(before);
  });

  test("what is not valid is never stored, and in eager mode never reaches the backend", async () => {
    const stored = (await streamEntries(network, 0)).length;
    const before = network.backendCalls();
    const forged = [
      withMeta(network.sign(header, body(3)), { signature: network.sign(header, body(4)).meta.signature }),
      withHeader(network.sign(header, body(5)), { sessionId: "00".repeat(32) }),
      { ...network.sign(header, body(6)), payload: network.sign(header, body(7)).payload },
    ];
    for (const request of forged) {
      const { status } = await post(network, RelayRequest.encode(request));
      expect(status).toBe(mode === "eager" ? 403 : 200);
    }
    if (mode === "eager") expect(network.backendCalls()).toBe(before);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await streamEntries(network, 0)).length).toBe(stored);
  });

  test("an rpc type without a backend is refused", async () => {
    const request = network.sign(header, body(8));
    const { status, bytes } = await post(network, RelayRequest.encode(request), { "rpc-type": "4" });
    expect(status).toBe(503);
    expect(errorOf(bytes)).toContain("no backend of that rpc type");
  });

  test("health paths answer on the relay port; every other path is a relay", async () => {
    const health = await fetch(`${network.url}/health`);
    expect(health.headers.get("content-type")).toBe("application/json");
    expect(await health.text()).toMatch(/^{"status":"healthy","block_height":\d+}$/);
    const head = await fetch(`${network.url}/health`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    const session = h2Session(network.url);
    const overH2 = await h2Request(session, { ":method": "HEAD", ":path": "/health" });
    session.close();
    expect([overH2.status, overH2.bytes.length]).toEqual([200, 0]);
    expect((await fetch(`${network.url}/ready/`)).status).toBe(400);
    expect((await fetch(`${network.url}/ready/kit-svc`)).status).toBe(200);
    expect((await fetch(`${network.url}/ready/other`)).status).toBe(404);
    const response = await fetch(`${network.url}/v1/some//path`, {
      method: "PUT",
      body: Buffer.from(RelayRequest.encode(network.sign(header, body(9)))),
    });
    expect(response.status).toBe(200);
  });
});

const withMeta = (request: RelayRequest, meta: Partial<RelayRequest["meta"]>): RelayRequest => ({
  ...request,
  meta: { ...request.meta, ...meta },
});

const withHeader = (request: RelayRequest, header: Partial<SessionHeader>): RelayRequest => {
  const { sessionHeader } = request.meta;
  return sessionHeader ? withMeta(request, { sessionHeader: { ...sessionHeader, ...header } }) : request;
};
