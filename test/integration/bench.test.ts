import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { publicKeyOf } from "../../src/chain/protocol/ecdsa.ts";
import { prepareRing } from "../../src/chain/protocol/ring/prepare.ts";
import { verifyRingAtDoor } from "../../src/chain/protocol/ring/verify.ts";
// @ts-expect-error: plain JavaScript over dist/
import * as baselineModule from "../bench/baseline.mjs";
// @ts-expect-error: plain JavaScript over dist/
import * as connectionModule from "../bench/connection.mjs";
// @ts-expect-error: plain JavaScript over dist/
import * as signerModule from "../bench/ring-signer.mjs";
// @ts-expect-error: plain JavaScript over dist/
import * as windowModule from "../bench/window.mjs";

type Ratios = Record<string, number>;
type Row = { name: string; measured?: number; factor: number; isWorse: boolean };
type Seen = { statuses: Record<string, number>; good: number; rps: number; sample: { body: Uint8Array }[] };
type Load = { connections: object[]; wires: Buffer[]; from: number; seconds: number; rps?: number };

const { compareWithBaseline } = baselineModule as {
  compareWithBaseline(
    measured: Ratios,
    baseline: Ratios,
    how: {
      partOf: Record<string, string>;
      isWhole: boolean;
      again: (part: string) => Promise<{ ratios: Ratios }>;
    },
  ): Promise<Row[]>;
};
const { Connection } = connectionModule as { Connection: new (url: string) => { close(): void } };
const { fastRingSigner } = signerModule as {
  fastRingSigner(secrets: Uint8Array[]): (digest: Uint8Array) => Uint8Array;
};
const { closedLoop, openLoop } = windowModule as Record<
  "closedLoop" | "openLoop",
  (load: Load) => Promise<Seen & { behind?: number }>
>;

describe("the loader's signatures", () => {
  test.each([1, 2, 3, 8])("of a ring of %i are good, and no two are alike", (members) => {
    const secrets = Array.from({ length: members }, () => new Uint8Array(randomBytes(32)));
    const ring = prepareRing(secrets.map(publicKeyOf));
    const sign = fastRingSigner(secrets);
    const seen = new Set<string>();
    for (let count = 0; count < 40; count++) {
      const digest = new Uint8Array(randomBytes(32));
      const signature = sign(digest);
      seen.add(Buffer.from(signature).toString("hex"));
      expect(verifyRingAtDoor(ring, digest, signature)).toEqual({ ok: true });
      expect(verifyRingAtDoor(ring, new Uint8Array(32), signature).ok).toBe(false);
    }
    expect(seen.size).toBe(40);
  });
});

describe("a ratio beside its baseline", () => {
  const partOf = { fast: "one", slow: "two" };
  const baseline = { fast: 1, slow: 2 };
  const asked: string[] = [];
  const compare = (measured: Ratios, second: Ratios, isWhole = true) => {
    asked.length = 0;
    const again = (part: string) => {
      asked.push(part);
      return Promise.resolve({ ratios: second });
    };
    return compareWithBaseline(measured, baseline, { partOf, isWhole, again });
  };
  const worse = (rows: Row[]) => rows.filter(({ isWorse }) => isWorse).map(({ name }) => name);

  test("may be half as much again, and then nothing is measured twice", async () => {
    expect(worse(await compare({ fast: 1.5, slow: 3 }, {}))).toEqual([]);
    expect(asked).toEqual([]);
  });

  test("above that its part alone is measured once more, and the lower figure counts", async () => {
    expect(worse(await compare({ fast: 1, slow: 3.1 }, { slow: 2.9 }))).toEqual([]);
    expect(asked).toEqual(["two"]);
    expect(worse(await compare({ fast: 1, slow: 3.1 }, { slow: 3.2 }))).toEqual(["slow"]);
  });

  test("that is missing is a failure, unless only some parts were asked for", async () => {
    expect(worse(await compare({ fast: 1 }, {}))).toEqual(["slow"]);
    expect(worse(await compare({ fast: 1 }, {}, false))).toEqual([]);
  });
});

describe("the loader", () => {
  let server: Server | undefined;
  const opened: { close(): void }[] = [];
  afterEach(async () => {
    for (const connection of opened.splice(0)) connection.close();
    await new Promise((resolve) => server?.close(resolve));
  });

  /** Answers each request, which ends with "!", by `answer(its number)`, in two pieces. */
  async function serve(answer: (number: number) => string, afterMs = 2): Promise<object[]> {
    let count = 0;
    server = createServer((socket) => {
      socket.on("error", () => socket.destroy());
      socket.on("data", (data) => {
        if (!String(data).endsWith("!")) return;
        // In the head, or in the body.
        const number = count++;
        const text = answer(number);
        const cut = number % 2 === 0 ? text.length >> 1 : text.length - 3;
        socket.write(text.slice(0, cut));
        setTimeout(() => socket.write(text.slice(cut)), afterMs);
      });
    });
    await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const connections = [1, 2, 3, 4].map(() => new Connection(`http://127.0.0.1:${port}`));
    opened.push(...connections);
    return connections;
  }
  const wires = Array.from({ length: 40 }, (_, number) => Buffer.from(`request ${number}!`));
  const ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  const busy = "HTTP/1.1 503 Busy\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

  test("sends each relay once and counts every status, also of answers that end their connection", async () => {
    const connections = await serve((number) => (number % 4 === 3 ? busy : ok));
    const seen = await closedLoop({ connections, wires, from: 0, seconds: 20 });
    expect(seen.statuses).toEqual({ 200: 30, 503: 10 });
    expect(seen.good).toBe(30);
    expect(Buffer.from(seen.sample[0]?.body ?? []).toString()).toBe("hello");
  });

  test("keeps a rate", async () => {
    const connections = await serve(() => ok);
    const start = performance.now();
    const steady = await openLoop({ connections, wires, from: 0, seconds: 20, rps: 200 });
    expect(performance.now() - start).toBeGreaterThan(190);
    expect(steady).toMatchObject({ statuses: { 200: 40 }, behind: 0 });
  });

  test("says how many relays were not sent, because none was answered in time", async () => {
    const connections = await serve(() => ok, 200);
    const late = await openLoop({ connections, wires, from: 0, seconds: 0.02, rps: 4_000 });
    expect((late.behind ?? 0) + late.good).toBe(40);
    expect(late.behind).toBeGreaterThan(0);
  });
});
