import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RelayRequest, RelayResponse } from "../../src/chain/proto/service.ts";
import { verifyResponse } from "../../src/chain/protocol/response-signature.ts";
import { sendRaw } from "../kit/h2-frames.ts";
import { type Network, startNetwork } from "../kit/network.ts";
import { until } from "../kit/post.ts";

// Clients that would rather speak HTTP/2 say so in a request of HTTP/1.1, Java's by default with the first of each connection.

const OFFER = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n";
let network: Network;
let id = 0;
beforeAll(async () => {
  network = await startNetwork("eager", { relayer: { relay: { verify_workers: 0 } } });
  await network.devnet.control("halt", {});
});
afterAll(() => network.close());

async function relay(): Promise<Buffer> {
  const body = JSON.stringify({ jsonrpc: "2.0", method: "eth_blockNumber", params: [], id: id++ });
  return Buffer.from(RelayRequest.encode(network.sign(await network.header(), body)));
}

const headOf = (body: Uint8Array, more: string) =>
  Buffer.from(`POST / HTTP/1.1\r\nHost: x\r\n${more}Content-Length: ${body.length}\r\n\r\n`, "latin1");

type Answer = { readonly head: string; readonly body: Buffer };

/** A connection whose answers are read one after the other. */
class Client {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  #seen: Buffer = Buffer.alloc(0);

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.socket = connect(Number(port), hostname);
    this.socket.setNoDelay(true);
    this.socket.on("error", () => undefined);
    this.closed = new Promise((resolve) => this.socket.once("close", () => resolve()));
    this.socket.on("data", (chunk) => {
      this.#seen = Buffer.concat([this.#seen, chunk]);
    });
  }

  get unread(): string {
    return this.#seen.toString("latin1");
  }

  async send(bytes: Uint8Array, pieces: number): Promise<void> {
    const size = Math.ceil(bytes.length / pieces);
    for (let from = 0; from < bytes.length; from += size) {
      this.socket.write(bytes.subarray(from, from + size));
      await sleep(15);
    }
  }

  async answer(): Promise<Answer> {
    const whole = await until(
      async () => this.#take(),
      (found) => found !== undefined,
    );
    if (whole === undefined) throw new Error(`no answer in: ${this.unread}`);
    return whole;
  }

  #take(): Answer | undefined {
    const end = this.#seen.indexOf("\r\n\r\n");
    if (end < 0) return undefined;
    const head = this.#seen.toString("latin1", 0, end);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#seen.length < end + 4 + length) return undefined;
    const body = this.#seen.subarray(end + 4, end + 4 + length);
    this.#seen = this.#seen.subarray(end + 4 + length);
    return { head, body };
  }
}

function expectServed({ head, body }: Answer): void {
  expect(head).toContain("HTTP/1.1 200");
  expect(head.toLowerCase()).not.toContain("connection: close");
  expect(verifyResponse(RelayResponse.decode(body), network.supplier.publicKey)).toBe(true);
}

describe("a request that offers another protocol", () => {
  test.each([1, 2, 7])(
    "is served as one without the offer, in %i packets, and so are the next",
    async (pieces) => {
      const client = new Client(network.url);
      for (const offer of [OFFER, OFFER, "", OFFER]) {
        const body = await relay();
        await client.send(Buffer.concat([headOf(body, offer), body]), pieces);
        expectServed(await client.answer());
      }
      client.socket.destroy();
    },
  );

  test("is served with what follows it in the same packet, in order", async () => {
    const client = new Client(network.url);
    const bodies = [await relay(), await relay(), await relay()];
    const [first = Buffer.alloc(0), ...others] = bodies;
    const rest = others.flatMap((body) => [headOf(body, ""), body]);
    client.socket.write(Buffer.concat([headOf(first, OFFER), first, ...rest]));
    for (const _ of bodies) expectServed(await client.answer());
    client.socket.destroy();
  });

  test("may come in chunks, and may ask for its connection to be closed", async () => {
    const client = new Client(network.url);
    const body = await relay();
    const head = `POST / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: close, Upgrade\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const half = body.length >> 1;
    const chunk = (bytes: Buffer) =>
      Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
    const chunks = [chunk(body.subarray(0, half)), chunk(body.subarray(half)), chunk(Buffer.alloc(0))];
    await client.send(Buffer.concat([Buffer.from(head), ...chunks]), 3);
    const answer = await client.answer();
    expect(answer.head).toContain("HTTP/1.1 200");
    expect(answer.head.toLowerCase()).toContain("connection: close");
    await client.closed;
  });

  test("leaves nothing behind, however often it comes", async () => {
    const warnings: Error[] = [];
    const warn = (warning: Error) => void warnings.push(warning);
    process.on("warning", warn);
    const client = new Client(network.url);
    for (let count = 0; count < 40; count++) {
      client.socket.write(`GET /health HTTP/1.1\r\nHost: x\r\n${OFFER}\r\n`);
      expect((await client.answer()).head).toContain("HTTP/1.1 200");
    }
    process.off("warning", warn);
    expect(warnings).toEqual([]);
    client.socket.destroy();
  });

  test("is not answered before an earlier one: its connection is closed", async () => {
    let release = () => {};
    const asked = new Promise<void>((resolve) =>
      network.setBackend((_, response) => {
        release = () => response.end("{}");
        resolve();
      }),
    );
    const client = new Client(network.url);
    const [slow, next] = [await relay(), await relay()];
    client.socket.write(Buffer.concat([headOf(slow, ""), slow]));
    await asked;
    client.socket.write(Buffer.concat([headOf(next, OFFER), next]));
    await client.closed;
    expect(client.unread).toBe("");
    release();
    network.setBackend((_, response) => response.end("{}"));
  });

  const smuggled = "POST /smuggled HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
  test.each([
    ["two hosts", `POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\n${OFFER}Content-Length: 0\r\n\r\n`],
    ["an absolute URI", `GET http://169.254.169.254/ HTTP/1.1\r\nHost: a\r\n${OFFER}\r\n`],
    [
      "a length and chunks",
      `POST / HTTP/1.1\r\nHost: a\r\n${OFFER}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
    [
      "two lengths",
      `POST / HTTP/1.1\r\nHost: a\r\n${OFFER}Content-Length: 0\r\nContent-Length: 5\r\n\r\n${smuggled}`,
    ],
    [
      "a length after more headers than are read",
      `POST / HTTP/1.1\r\nHost: a\r\n${OFFER}${"A: b\r\n".repeat(300)}Content-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
    ],
  ])("is refused with %s", async (_, bytes) => {
    const { received } = await sendRaw(network.url, [bytes], 3_000);
    const answers = received.toString("latin1").match(/HTTP\/1\.1 \d{3}/g) ?? [];
    // Newer versions of Node refuse so many headers themselves.
    expect(answers).toEqual([expect.stringMatching(/ (400|431)$/)]);
  });
});
