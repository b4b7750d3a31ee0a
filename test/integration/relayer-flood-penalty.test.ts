import { afterAll, beforeAll, expect, test } from "vitest";
import { RelayRequest } from "../../src/chain/proto/service.ts";
import { h2Request, h2Session } from "../kit/h2-client.ts";
import { CANCEL, END_HEADERS, frame, HELLO, POST_HEAD, sendRaw } from "../kit/h2-frames.ts";
import { type Network, startNetwork } from "../kit/network.ts";
import { post } from "../kit/post.ts";

const PENALTY_MS = 4_000;

let network: Network;
beforeAll(async () => {
  network = await startNetwork("eager", {
    relayer: { relay: { limits: { flood_penalty_seconds: PENALTY_MS / 1_000 } } },
  });
  await network.devnet.control("halt", {});
});
afterAll(() => network.close());

function* resets() {
  yield HELLO;
  for (let stream = 1; stream < 10_000; stream += 2)
    yield Buffer.concat([
      frame("headers", END_HEADERS, stream, POST_HEAD),
      frame("reset", 0, stream, CANCEL),
    ]);
}

const body = () => JSON.stringify({ jsonrpc: "2.0", method: "eth_blockNumber", params: [], id: 1 });
const relay = async () => network.sign(await network.header(), body());

/** One good relay over a new connection of HTTP/2: when it was answered, or "closed". */
async function answeredAfter(): Promise<number | "closed"> {
  const sent = RelayRequest.encode(await relay());
  const started = performance.now();
  const session = h2Session(network.url);
  try {
    const { status } = await h2Request(session, {}, sent);
    expect(status).toBe(200);
    return performance.now() - started;
  } catch {
    return "closed";
  } finally {
    session.close();
  }
}

test("after a flood, new connections of that address over HTTP/2 wait their turn; those over HTTP/1.1 do not", async () => {
  expect(await answeredAfter()).toBeLessThan(0.9 * PENALTY_MS);
  // The pause doubles with each, up to the longest: enough for us to come in it, even late.
  for (let floods = 0; floods < 3; floods++) expect((await sendRaw(network.url, resets())).closed).toBe(true);
  const [first, second, http1] = await Promise.all([
    answeredAfter(),
    answeredAfter(),
    post(network, await relay()),
  ]);
  expect(http1.status).toBe(200);
  expect([first, second].filter((answered) => answered === "closed")).toHaveLength(1);
  const waited = first === "closed" ? second : first;
  expect(waited).toBeGreaterThan(0.4 * PENALTY_MS);
});
