import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { HttpTransport } from "./http-transport.ts";
import type { SignedRelay } from "./sign.ts";

let close: () => void = () => undefined;
afterEach(() => close());

/** What comes of a relay to a relayer that answers so. */
async function outcomeOf(answer: (response: ServerResponse) => void, timeoutMs = 5_000) {
  const server = createServer((_, response) => answer(response));
  close = () => void server.close().closeAllConnections();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const transport = new HttpTransport({ url, kind: "rest", clock: systemClock, timeoutMs, connections: 1 });
  const outcome = await transport.send({ bytes: new Uint8Array(10) } as SignedRelay);
  await transport.close();
  return outcome;
}

test.each(["text/event-stream", "application/json"])(
  "an answer of %s that breaks off is no relayer that is away",
  async (type) => {
    const outcome = await outcomeOf((response) => {
      response.writeHead(200, { "content-type": type });
      response.write(Buffer.alloc(3));
      setTimeout(() => response.destroy(), 50);
    });
    expect(outcome).toMatchObject({ failure: { kind: "broken_off", final: false, maybeStored: true } });
  },
);

test("a connection that breaks before an answer is one", async () => {
  const outcome = await outcomeOf((response) => void response.destroy());
  expect(outcome).toMatchObject({ failure: { kind: "unreachable" } });
});

test("an answer that does not end in time is late, also when it has begun", async () => {
  const outcome = await outcomeOf((response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(Buffer.alloc(3));
  }, 300);
  expect(outcome).toMatchObject({ failure: { kind: "timeout" } });
});
