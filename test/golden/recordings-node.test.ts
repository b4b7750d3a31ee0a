import { readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { fromHex, toHex } from "../../src/base/bytes.ts";
import { systemClock } from "../../src/base/clock.ts";
import { AppError } from "../../src/base/errors.ts";
import type { Logger } from "../../src/base/logger.ts";
import { type OpenChainClient, openChainClient } from "../../src/chain/node/client.ts";
import { HeaderSubscription } from "../../src/chain/node/header-subscription.ts";
import { account } from "../../src/chain/node/queries.ts";
import { RpcTransport } from "../../src/chain/node/rpc-transport.ts";
import { QUERIES, type Query } from "../../src/chain/proto/queries.ts";
import type { Codec } from "../../src/chain/proto/wire.ts";
import { RECORDINGS_DIR } from "../kit/vectors.ts";

// biome-ignore lint/suspicious/noExplicitAny: a recording is free-form JSON of a real node
type Json = any;
type Recording = { readonly name: string } & Record<string, Json>;

const DIR = RECORDINGS_DIR;
const recordings = (folder: string): readonly Recording[] =>
  readdirSync(`${DIR}/${folder}`)
    .sort()
    .map((file) => ({
      name: file.slice(0, -5),
      ...JSON.parse(readFileSync(`${DIR}/${folder}/${file}`, "utf8")),
    }));

const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const counts = new Map<string, number>();
const counted = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);

/** A node that knows one answer at a time: the recorded one; what it was asked is kept. */
let current: Recording | undefined;
let asked: { method: string; params: Record<string, unknown> }[] = [];
let extra = new Map<string, Json>();
let server: Server;
let client: OpenChainClient;
let transport: RpcTransport;

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const call = JSON.parse(Buffer.concat(chunks).toString());
    asked.push(call);
    const recorded = extra.get(`${call.method} ${call.params.height}`) ?? current?.["response"];
    const body = recorded.body === null ? "" : JSON.stringify(recorded.body);
    response.writeHead(recorded.http_status, { "content-type": "application/json" }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = openChainClient({ urls: [url], timeoutMs: 5_000, logger: quiet, clock: systemClock });
  transport = new RpcTransport({ url, timeoutMs: 5_000, clock: systemClock });
});

afterAll(async () => {
  await client.close();
  await transport.close();
  server.close();
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const parts = [...counts].map(([what, count]) => `${what} ${count}`);
  console.log(`recordings understood by the chain client: ${total} (${parts.join(", ")})`);
});

function play(recording: Recording): void {
  current = recording;
  asked = [];
}

/** What was asked on the wire is what was recorded, up to defaults that may be left out. */
function expectAsked(recording: Recording): void {
  const strip = ({ method, params }: Json) => {
    const { prove, ...rest } = params;
    if (method === "abci_query" && rest.height === "0") delete rest.height;
    return { method, params: rest };
  };
  expect(strip(asked[0])).toEqual(strip(recording["request"].body));
}

async function thrownBy(asking: Promise<unknown>): Promise<AppError> {
  const thrown = await asking.then(
    () => expect.fail("an error was recorded"),
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(AppError);
  return thrown as AppError;
}

const raw = {
  typeName: "bytes",
  encode: (bytes: Uint8Array) => bytes,
  decode: (bytes: Uint8Array) => bytes,
  create: () => new Uint8Array(),
} as unknown as Codec<unknown>;

const byPath = new Map<string, Query<unknown, unknown>>(
  Object.values(QUERIES).map((query) => [query.path, query as unknown as Query<unknown, unknown>]),
);

describe("abci_query", () => {
  test.each(recordings("abci_query"))("$name", async (recording) => {
    play(recording);
    const path: string = recording["path"];
    const answer = recording["response"].body.result.response;
    const height = recording["height"] === "0" ? undefined : BigInt(recording["height"]);
    const query = byPath.get(path) ?? ({ path, request: raw, response: raw } as Query<unknown, unknown>);
    const asking = client.query(query, query.request.decode(fromHex(recording["data"])), height);
    if (answer.code === 0) {
      const value = await asking;
      const bytes = Buffer.from(answer.value ?? "", "base64");
      if (path === QUERIES.simulate.path) expect((value as Json).gasInfo.gasUsed).toBeGreaterThan(50_000n);
      else expect(toHex(query.response.encode(value))).toBe(bytes.toString("hex"));
      counted("abci_query values");
    } else {
      const error = await thrownBy(asking);
      expect(error.code).toBe(
        answer.code === 22 && answer.codespace === "sdk" ? "CHAIN_NOT_FOUND" : "CHAIN_REFUSED",
      );
      expect(error.fields).toMatchObject({ code: answer.code, codespace: answer.codespace, log: answer.log });
      counted(`abci_query ${error.code}`);
    }
    expectAsked(recording);
  });

  test.each(recordings("abci_query").filter(({ path }) => path === QUERIES.simulate.path))(
    "simulate: $name",
    async (recording) => {
      play(recording);
      const answer = recording["response"].body.result.response;
      const { txBytes } = QUERIES.simulate.request.decode(fromHex(recording["data"]));
      if (answer.code === 0) expect((await client.simulate(txBytes)).gasUsed).toBeGreaterThan(50_000n);
      else {
        const error = await thrownBy(client.simulate(txBytes));
        expect(error.code).toBe("CHAIN_TX_REFUSED");
        const index = /message index: (\d+)/.exec(answer.log)?.[1];
        expect(error.fields["messageIndex"]).toBe(index === undefined ? undefined : Number(index));
      }
      counted("simulate");
    },
  );

  test.each(recordings("abci_query").filter(({ path, value }) => path === QUERIES.account.path && value))(
    "account: $name",
    async (recording) => {
      play(recording);
      const decoded = recording["value_decoded"].account;
      const base = decoded.base_account ?? decoded;
      const found = await account(client, recording["request_decoded"].address);
      expect(found?.address).toBe(base.address);
      expect(found?.accountNumber).toBe(BigInt(base.account_number));
      expect(found?.sequence).toBe(BigInt(base.sequence));
      const key = base.pub_key?.key;
      expect(found?.publicKey && Buffer.from(found.publicKey).toString("base64")).toBe(key ?? undefined);
      counted("account");
    },
  );
});

const BLOCKS = new Map(
  recordings("cometbft")
    .filter(({ name }) => name.startsWith("block_") && !name.startsWith("block_results"))
    .filter(({ response }) => response.body.result)
    .map(({ response }) => [response.body.result.block.header.height as string, response]),
);

/** The client's call for a recorded method, with a check of its answer; undefined for methods it never calls. */
function callFor(
  method: string,
  params: Json,
): { run: () => Promise<unknown>; check: (value: Json, result: Json) => void } | undefined {
  const given = Array.isArray(params) ? params[0] : params?.height;
  const height = typeof given === "string" && given !== "" ? BigInt(given) : undefined;
  if (method === "status")
    return {
      run: () => client.status(),
      check: (value, { node_info, sync_info }) =>
        expect(value).toEqual({
          chainId: node_info.network,
          latestHeight: BigInt(sync_info.latest_block_height),
          latestTimeMs: Date.parse(sync_info.latest_block_time),
          catchingUp: sync_info.catching_up,
        }),
    };
  if (method === "block")
    return {
      run: () => client.block(height),
      check: (value, { block, block_id }) => {
        expect(value.height).toBe(BigInt(block.header.height));
        expect(toHex(value.hash).toUpperCase()).toBe(block_id.hash);
        expect(value.timeMs).toBe(Date.parse(block.header.time));
      },
    };
  if (method === "block_results")
    return { run: () => client.blockResults(height ?? 0n), check: checkResults };
  return undefined;
}

const plainEvents = (events: Json[] | null) =>
  (events ?? []).map(({ type, attributes }) => ({
    type,
    attributes: attributes.map(({ key, value }: Json) => ({ key, value })),
  }));

function checkResults(value: Json, result: Json): void {
  expect(value.height).toBe(BigInt(result.height));
  expect(value.events).toEqual(plainEvents(result.finalize_block_events));
  expect(value.txs).toHaveLength(result.txs_results?.length ?? 0);
  for (const [index, tx] of value.txs.entries()) checkTx(tx, result.txs_results[index]);
}

function checkTx(tx: Json, result: Json): void {
  expect(tx).toMatchObject({ code: result.code, codespace: result.codespace, log: result.log });
  expect(tx.gasUsed).toBe(BigInt(result.gas_used));
  expect(tx.gasWanted).toBe(BigInt(result.gas_wanted));
  expect(tx.events).toEqual(plainEvents(result.events));
  expect(tx.hash).toMatch(/^[0-9A-F]{64}$/);
}

/** A stand-in with as many transactions as there are results, where the block itself was not recorded. */
function blockWith(height: string, txs: number): Json {
  const [some] = [...BLOCKS.values()];
  const copy = structuredClone(some);
  copy.body.result.block.header.height = height;
  copy.body.result.block.data.txs = Array.from({ length: txs }, (_, index) =>
    Buffer.from([index]).toString("base64"),
  );
  return copy;
}

/** A block with results needs its transactions: the recorded ones, or as many stand-ins. */
function serveBlockOf(results: Json): void {
  if (!results?.txs_results) return;
  const block = BLOCKS.get(results.height) ?? blockWith(results.height, results.txs_results.length);
  extra = new Map([[`block ${results.height}`, block]]);
}

async function expectError(asking: Promise<unknown>, error: Json): Promise<void> {
  const thrown = await thrownBy(asking);
  if (error === undefined)
    expect(thrown.code).toBe("CHAIN_BAD_ANSWER"); // a batch or nothing at all answers no single call
  else {
    expect(thrown.code).toBe("CHAIN_REFUSED");
    expect(thrown.fields).toMatchObject({
      code: error.code,
      codespace: "rpc",
      log: error.data ?? error.message,
    });
  }
  counted(`cometbft ${thrown.code}`);
}

describe("cometbft", () => {
  test.each(recordings("cometbft"))("$name", async (recording) => {
    play(recording);
    const { request, response } = recording as Json;
    const body = Array.isArray(request.body) ? {} : (request.body ?? {});
    const method: string = body.method ?? request.http.replace("GET /", "");
    const call = callFor(method, body.params);
    const { result, error } = response.body ?? {};
    extra = new Map();
    if (method === "block_results") serveBlockOf(result);
    const { run, check } = call ?? {
      run: () => transport.call(method, body.params),
      check: (value: Json) => expect(value).toEqual(result),
    };
    if (result === undefined) return expectError(run(), error);
    check(await run(), result);
    counted(call ? "cometbft client" : "cometbft transport");
  });
});

describe("tx", () => {
  test.each(recordings("tx"))("$name", async (recording) => {
    play(recording);
    const { request, response } = recording as Json;
    const { method, params } = request.body;
    const { result, error } = response.body;
    if (method === "broadcast_tx_sync") {
      const value = await client.broadcast(new Uint8Array(Buffer.from(params.tx, "base64")));
      if (error) expect(value).toMatchObject({ code: 19, codespace: "sdk", log: error.data });
      else
        expect(value).toEqual({
          hash: result.hash,
          code: result.code,
          codespace: result.codespace,
          log: result.log,
        });
      counted(`broadcast code ${value.code}`);
    } else {
      expect(method).toBe("tx");
      const hash = Buffer.from(params.hash, "base64").toString("hex").toUpperCase();
      const value = await client.tx(hash);
      expect(value).toMatchObject({ hash, height: BigInt(result.height), index: result.index });
      checkTx(value, result.tx_result);
      counted("tx");
    }
    expectAsked(recording);
  });

  test("a transaction that the node does not know", async () => {
    const recording = recordings("cometbft").find(({ name }) => name === "tx_not_found");
    if (recording) play(recording);
    expect(await client.tx("00".repeat(32))).toBeUndefined();
  });
});

test("websocket: the recorded frames give the heights of their NewBlockHeader events", async () => {
  const frames: Json[] = JSON.parse(readFileSync(`${DIR}/websocket/frames.json`, "utf8")).response;
  const received = frames.filter(({ dir }) => dir === "recv").map(({ frame }) => frame);
  const wanted = received
    .filter(({ result }) => result?.data?.type === "tendermint/event/NewBlockHeader")
    .map(({ result }) => BigInt(result.data.value.header.height));
  const node = new WebSocketServer({ port: 0, host: "127.0.0.1", path: "/websocket" });
  const first = new Promise<Json>((resolve) =>
    node.on("connection", (socket) =>
      socket.on("message", (data) => {
        resolve(JSON.parse(String(data)));
        for (const frame of received) socket.send(JSON.stringify(frame));
      }),
    ),
  );
  await new Promise<void>((resolve) => node.once("listening", resolve));
  const url = `http://127.0.0.1:${(node.address() as AddressInfo).port}`;
  const heights: bigint[] = [];
  let subscriptions = 0;
  let done = () => {};
  const heard = new Promise<void>((resolve) => {
    done = resolve;
  });
  const subscription = new HeaderSubscription({
    urls: [url],
    clock: systemClock,
    logger: quiet,
    onHeight: (height) => void (heights.push(height) === wanted.length && done()),
    onSubscribed: () => (subscriptions += 1),
  });
  expect(await first).toEqual(frames[0].frame);
  await heard;
  expect(subscription.subscribed).toBe(true);
  expect(subscriptions).toBe(1);
  await subscription.close();
  node.close();
  expect(wanted.length).toBeGreaterThan(2);
  expect(heights).toEqual(wanted);
  counted("websocket frames");
});
