import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { concatBytes, utf8 } from "../../src/base/bytes.ts";
import { RelayRequest } from "../../src/chain/proto/service.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { type Network, startNetwork } from "../kit/network.ts";
import { RECORDINGS_DIR } from "../kit/vectors.ts";

/** What the Go relayer, in eager mode, answered to good and bad relays. */
type Recorded = {
  readonly label: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers?: Readonly<Record<string, readonly string[]>>;
  };
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, readonly string[]>>;
    readonly body: { readonly text?: string };
  };
};

type Make = (good: RelayRequest) => RelayRequest | Uint8Array;

const withMeta = (request: RelayRequest, meta: Partial<RelayRequest["meta"]>): RelayRequest => ({
  ...request,
  meta: { ...request.meta, ...meta },
});
const withHeader = (request: RelayRequest, header: Partial<SessionHeader>): RelayRequest =>
  withMeta(request, {
    sessionHeader: { ...(request.meta.sessionHeader as SessionHeader), ...header },
  });
const withSignature = (request: RelayRequest, change: (bytes: Uint8Array) => Uint8Array): RelayRequest =>
  withMeta(request, { signature: change(request.meta.signature) });

const asItIs: Make = (good) => good;
const flipped: Make = (good) =>
  withSignature(good, (bytes) => bytes.map((byte, index) => (index === 60 ? byte ^ 1 : byte)));

/** The same fault in a relay of ours. */
const SAME: Readonly<Record<string, Make>> = {
  good: asItIs,
  "ring signature with one flipped bit": flipped,
  "ring signature cut by one byte": (good) => withSignature(good, (bytes) => bytes.slice(0, -1)),
  "no ring signature": (good) => withSignature(good, () => new Uint8Array()),
  "supplier that this relayer does not serve": (good) =>
    withMeta(good, { supplierOperatorAddress: "pokt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqw9ltm9" }),
  "no supplier address": (good) => withMeta(good, { supplierOperatorAddress: "" }),
  "other session id": (good) => withHeader(good, { sessionId: "0".repeat(64) }),
  "session long gone": (good) =>
    withHeader(good, { sessionStartBlockHeight: 1n, sessionEndBlockHeight: 2n, sessionId: "1".repeat(64) }),
  "service in header differs from path": (good) => withHeader(good, { serviceId: "no-such-service" }),
  "unknown service path": asItIs,
  "root path": asItIs,
  "garbage body": () => utf8("hello world"),
  "empty body": () => new Uint8Array(),
  "rpc type with no backend": asItIs,
  "rpc type not a number": asItIs,
  "no rpc type header": asItIs,
  "GET /": () => new Uint8Array(),
  "GET /health": () => new Uint8Array(),
  "GET /ready": () => new Uint8Array(),
};

/** Where this relayer means to differ (ARCHITECTURE.md, decisions): what it answers instead. */
const OTHERWISE: Readonly<Record<string, { readonly make: Make; readonly status: number }>> = {
  // Stricter at the door: each would make another leaf of the same request.
  "ring signature with two bytes added": {
    make: (good) => withSignature(good, (bytes) => concatBytes(bytes, Uint8Array.of(1, 2))),
    status: 403,
  },
  // The Go relayer crashes on it.
  "ring signature of three bytes": {
    make: (good) => withSignature(good, (bytes) => bytes.slice(0, 3)),
    status: 403,
  },
};
const REPEATED = "same relay again (duplicate bytes)";

const recorded = (
  JSON.parse(readFileSync(`${RECORDINGS_DIR}/relayer_http.json`, "utf8")) as readonly Recorded[]
).filter(({ label }, index, all) => index === all.findIndex((one) => one.label === label));

describe("the Go relayer's answers, as recorded", () => {
  let network: Network;
  let header: SessionHeader;
  let id = 0;
  beforeAll(async () => {
    network = await startNetwork("eager");
    await network.devnet.control("halt", {});
    header = await network.header();
  });
  afterAll(() => network.close());

  async function ask({ request }: Recorded, made: RelayRequest | Uint8Array) {
    const bytes = made instanceof Uint8Array ? made : RelayRequest.encode(made);
    const headers = Object.entries(request.headers ?? {}).flatMap(([name, values]) =>
      values.map((value): [string, string] => [name, value]),
    );
    return fetch(`${network.url}${request.path}`, {
      method: request.method,
      headers,
      ...(request.method !== "GET" && { body: Buffer.from(bytes) }),
    });
  }
  const good = () => network.sign(header, JSON.stringify({ id: ++id }));

  test.each(recorded.filter(({ label }) => label !== REPEATED).map((one) => [one.label, one] as const))(
    "%s",
    async (label, one) => {
      const make = SAME[label] ?? OTHERWISE[label]?.make;
      if (make === undefined) throw new Error("a recording that is not known here");
      const answer = await ask(one, make(good()));
      const text = await answer.text();
      expect(answer.status).toBe(OTHERWISE[label]?.status ?? one.response.status);
      expect(answer.headers.get("content-type")).toBe("application/json");
      if (answer.status === 200 && one.response.body.text === undefined) return;
      const [told, wanted] = [JSON.parse(text), one.response.body.text];
      // Words are free; which keys there are is not.
      if (OTHERWISE[label] === undefined && wanted !== undefined)
        expect(Object.keys(told)).toEqual(Object.keys(JSON.parse(wanted)));
      if (told.service !== undefined) expect(told.service).toBe("kit-svc");
    },
  );

  test(`${REPEATED}: taken once`, async () => {
    const one = recorded.find(({ label }) => label === REPEATED) as Recorded;
    const request = good();
    expect((await ask(one, request)).status).toBe(one.response.status);
    expect((await ask(one, request)).status).toBe(409);
  });
});
