import { Agent, request } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RelayRequest, RelayResponse } from "../../src/chain/proto/service.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { verifyResponse } from "../../src/chain/protocol/response-signature.ts";
import { relayminer } from "../kit/cli.ts";
import { freePort } from "../kit/free-port.ts";
import { type Network, startNetwork } from "../kit/network.ts";
import { until } from "../kit/post.ts";
import { type RelayerProcess, startRelayerProcess } from "../kit/relayer-process.ts";
import { streamEntries } from "../kit/stream.ts";

// Runs what `npm run build` made: scripts/test.sh builds first.

let network: Network;
let header: SessionHeader;
const started: RelayerProcess[] = [];
beforeAll(async () => {
  network = await startNetwork("eager");
  await network.devnet.control("halt", {});
  header = await network.header();
});
afterAll(async () => {
  for (const { child } of started) child.kill("SIGKILL");
  await network.close();
});

const agent = new Agent({ keepAlive: true });
let ids = 0;

/** One relay over a connection that is kept alive, as a gateway's is. */
function relay(url: string): Promise<{ status: number; body: Buffer }> {
  const body = RelayRequest.encode(network.sign(header, JSON.stringify({ id: ++ids })));
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      { method: "POST", agent, headers: { "content-length": body.length } },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk) => chunks.push(chunk));
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks) }));
        answer.on("error", reject);
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

test("SIGTERM: relays in work are answered in full and stored, new ones are refused, and it exits with 0", async () => {
  const port = await freePort();
  const health_check = { enabled: true, addr: `127.0.0.1:${port}` };
  const relayer = await startRelayerProcess(network, "draining", { health_check });
  started.push(relayer);
  const ready = async () => (await fetch(`http://127.0.0.1:${port}/ready`)).status;
  expect(await ready()).toBe(200);
  // In work at the signal, and too large for a socket's buffer.
  const answer = Buffer.alloc(4 * 1024 * 1024, "x");
  const held: (() => void)[] = [];
  network.setBackend((_, response) => void held.push(() => response.end(answer)));
  const before = (await streamEntries(network, 0)).length;
  const calls = network.backendCalls();
  const inWork = Array.from({ length: 12 }, () => relay(relayer.url));
  expect(
    await until(
      async () => network.backendCalls() - calls,
      (count) => count === 12,
    ),
  ).toBe(12);
  relayer.child.kill("SIGTERM");
  expect(await until(ready, (status) => status === 503)).toBe(503);
  await expect(relay(relayer.url)).rejects.toMatchObject({
    code: expect.stringMatching(/ECONN(REFUSED|RESET)/),
  });
  for (const letGo of held) letGo();
  for (const { status, body } of await Promise.all(inWork)) {
    expect(status).toBe(200);
    const response = RelayResponse.decode(new Uint8Array(body));
    expect(verifyResponse(response, network.supplier.publicKey)).toBe(true);
    expect(response.payload.length).toBeGreaterThan(answer.length);
  }
  expect(await relayer.ended).toBe(0);
  expect((await streamEntries(network, before + 12)).length).toBe(before + 12);
  expect(relayer.log()).toContain('"msg":"stopped"');
});

test("before it refuses relays it serves on for a while, not ready, so that load balancers notice", async () => {
  const port = await freePort();
  const relayer = await startRelayerProcess(network, "leaving", {
    health_check: { enabled: true, addr: `127.0.0.1:${port}` },
    relay: { drain: { delay: "5s" } },
  });
  started.push(relayer);
  network.setBackend((_, response) => response.end("{}"));
  const ready = async () => (await fetch(`http://127.0.0.1:${port}/ready`)).status;
  expect(await ready()).toBe(200);
  expect((await fetch(`http://127.0.0.1:${port}/ready/${header.serviceId}`)).status).toBe(200);
  expect((await relay(relayer.url)).status).toBe(200);
  relayer.child.kill("SIGTERM");
  expect(await until(ready, (status) => status === 503)).toBe(503);
  expect((await fetch(`http://127.0.0.1:${port}/ready/${header.serviceId}`)).status).toBe(503);
  expect((await relay(relayer.url)).status).toBe(200);
  const refused = () =>
    relay(relayer.url).then(
      ({ status }) => status,
      () => "refused",
    );
  expect(await until(refused, (how) => how !== 200)).toBe("refused");
  expect(await relayer.ended).toBe(0);
});

test("relay drain: the relayers that are named acknowledge, end and are gone from the fleet; the others stay", async () => {
  const drained = await startRelayerProcess(network, "to-drain");
  const other = await startRelayerProcess(network, "to-stay");
  started.push(drained, other);
  const cli = (...args: string[]) => relayminer(["relay", "drain", ...args, "--redis", network.redis.url]);
  const undecided = await cli();
  expect(undecided.code).toBe(64);
  expect(undecided.stderr).toContain("to-drain");
  expect((await cli("--replica", "nobody")).code).toBe(64);
  const { code, stdout } = await cli("--replica", "to-drain", "--wait", "--json");
  expect(JSON.parse(stdout)).toEqual({
    asked: ["to-drain"],
    acked: ["to-drain"],
    missing: [],
    ended: ["to-drain"],
  });
  expect(code).toBe(0);
  expect(await drained.ended).toBe(0);
  expect(drained.log()).toContain("an operator asks this relayer to drain");
  expect((await relay(other.url)).status).toBe(200);
  expect(other.child.exitCode).toBeNull();
});

test("SIGKILL: every relay whose answer arrived is stored", async () => {
  const relayer = await startRelayerProcess(network, "killed");
  started.push(relayer);
  network.setBackend((_, response) => response.end("{}"));
  const before = (await streamEntries(network, 0)).length;
  let answered = 0;
  const client = async () => {
    for (;;) {
      const done = await relay(relayer.url).catch(() => undefined);
      if (done?.status !== 200) return;
      answered += 1;
    }
  };
  const clients = Array.from({ length: 8 }, client);
  await until(
    async () => answered,
    (count) => count > 100,
  );
  relayer.child.kill("SIGKILL");
  await Promise.all(clients);
  expect(await relayer.ended).toBe("SIGKILL");
  const stored = (await streamEntries(network, before + answered)).length - before;
  expect(answered).toBeGreaterThan(100);
  expect(stored).toBeGreaterThanOrEqual(answered);
  expect(stored).toBeLessThanOrEqual(answered + clients.length);
});
