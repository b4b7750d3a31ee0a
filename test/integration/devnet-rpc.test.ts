import { readdirSync, readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import WebSocket, { WebSocketServer } from "ws";
import { systemClock } from "../../src/base/clock.ts";
import { AppError } from "../../src/base/errors.ts";
import type { Logger } from "../../src/base/logger.ts";
import { watchBlocks } from "../../src/chain/node/block-stream.ts";
import { openChainClient } from "../../src/chain/node/client.ts";
import { QUERIES } from "../../src/chain/proto/queries.ts";
import type {
  Backend,
  BackendBlock,
  BackendQueryAnswer,
  BackendResults,
  BackendTxResult,
  CheckTxAnswer,
} from "../../src/devnet/backend.ts";
import { type RpcServer, startRpcServer } from "../../src/devnet/rpc/server.ts";
import { txHash } from "../../src/devnet/rpc/shapes.ts";
import { OWN_RECORDINGS_DIR } from "../kit/vectors.ts";

// A scripted chain stands behind the real server here: what is tested is the form of the answers against a real node's recordings.

// biome-ignore lint/suspicious/noExplicitAny: a recording is free-form JSON of a real node
type Json = any;

const DIR = OWN_RECORDINGS_DIR;
const recording = (file: string): Json => JSON.parse(readFileSync(`${DIR}/${file}.json`, "utf8"));
const folder = (name: string) =>
  readdirSync(`${DIR}/${name}`)
    .sort()
    .map((file) => file.slice(0, -5))
    .map((file) => ({ name: file, recorded: recording(`${name}/${file}`) }));

const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const bytes = (text: string | null, form: "base64" | "hex" = "base64") =>
  new Uint8Array(Buffer.from(text ?? "", form));

class ScriptedBackend implements Backend {
  stored = 1210n;
  executed = 1210n;
  readonly results_ = new Map<bigint, BackendResults>();
  readonly blocks = new Map<bigint, BackendBlock>();
  readonly txs = new Map<string, { height: bigint; index: number }>();
  answer: BackendQueryAnswer | undefined;
  check: CheckTxAnswer = { code: 0, codespace: "", log: "" };
  readonly listeners = new Set<(height: bigint) => void>();

  status() {
    return { chainId: "pocket", stored: this.stored, executed: this.executed, catchingUp: false };
  }
  block(height: bigint) {
    if (height < 1n || height > this.stored) return undefined;
    return this.blocks.get(height) ?? plainBlock(height, []);
  }
  results(height: bigint) {
    if (height < 1n || height > this.executed) return undefined;
    return this.results_.get(height) ?? { height, txs: [], events: [], appHash: new Uint8Array(32) };
  }
  query(_path: string, _data: Uint8Array, height: bigint): BackendQueryAnswer {
    if (this.answer) return this.answer;
    if (height > this.executed)
      return {
        code: 26,
        codespace: "sdk",
        log: "cannot query with height in the future; please provide a valid height: invalid height",
        value: undefined,
        height: 0n,
      };
    return { code: 0, codespace: "", log: "", value: new Uint8Array(), height: height || this.executed };
  }
  checkTx() {
    return this.check;
  }
  tx(hash: string) {
    return this.txs.get(hash);
  }
  mempool() {
    return [new Uint8Array(337)];
  }
  onBlock(listener: (height: bigint) => void) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  async control(name: string, args: Readonly<Record<string, unknown>>): Promise<unknown> {
    if (name !== "echo") throw new AppError("USAGE", `no such command: ${name}`, { height: 5n });
    return { ...args, height: this.executed };
  }
  /** Stores and executes the next block, then tells. */
  async next(gapMs = 0) {
    this.stored += 1n;
    if (gapMs > 0) await systemClock.sleep(gapMs);
    this.executed = this.stored;
    for (const listener of this.listeners) listener(this.executed);
  }
}

const plainBlock = (height: bigint, txs: readonly Uint8Array[]): BackendBlock => ({
  height,
  hash: new Uint8Array(32).fill(Number(height % 251n) + 1),
  timeNs: 1_800_000_000_000_000_000n + height * 500_000_000n,
  appHash: new Uint8Array(32).fill(7),
  txs,
});

const scriptedTx = (result: Json): BackendTxResult => ({
  code: result.code ?? 0,
  codespace: result.codespace ?? "",
  log: result.log ?? "",
  data: result.data ? bytes(result.data) : undefined,
  gasWanted: BigInt(result.gas_wanted),
  gasUsed: BigInt(result.gas_used),
  events: result.events,
});

let backend: ScriptedBackend;
let server: RpcServer;

beforeAll(async () => {
  backend = new ScriptedBackend();
  server = await startRpcServer({ backend, host: "127.0.0.1", port: 0, clock: systemClock });
});
afterAll(() => server.close());
beforeEach(() => {
  backend.stored = backend.executed = 1210n;
  backend.answer = undefined;
  backend.check = { code: 0, codespace: "", log: "" };
});

async function send(request: Json): Promise<Json> {
  const [verb, path] = request.http.split(" ");
  const body = request.body_text ?? (request.body === undefined ? undefined : JSON.stringify(request.body));
  const response = await fetch(server.url + path, { method: verb, ...(body === undefined ? {} : { body }) });
  const text = await response.text();
  return {
    http_status: response.status,
    content_type: response.headers.get("content-type"),
    body: text === "" ? null : JSON.parse(text),
  };
}

/** The tree of keys and JSON types: what a client relies on where values are filler. Lists are described by their first entry. */
function shape(value: Json): Json {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shape(value[0])];
  if (value === null || typeof value !== "object") return value === null ? "null" : typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)]));
}

describe("envelopes and errors are a real node's, to the letter", () => {
  const exact = folder("cometbft").filter(({ name }) =>
    /error|notification|height_not_a_string|not_found|health|num_unconfirmed/.test(name),
  );
  test.each(exact)("$name", async ({ name, recorded }) => {
    if (name === "block_results_stored_but_not_executed_error") {
      backend.stored = 1701n;
      backend.executed = 1700n;
    }
    const { content_type, ...wanted } = recorded.response;
    expect(await send(recorded.request)).toMatchObject(
      content_type === undefined ? wanted : { ...wanted, content_type },
    );
  });

  test("a batch is answered in order", async () => {
    const recorded = recording("cometbft/batch");
    const { body, ...rest } = await send(recorded.request);
    const { body: wanted, ...wantedRest } = recorded.response;
    expect(rest).toEqual(wantedRest);
    expect(body.map(({ id }: Json) => id)).toEqual([1, 2]);
    expect(shape(body)).toEqual(shape(wanted));
    expect(shape(body[1])).toEqual(shape(wanted[1]));
  });

  test("an empty batch and the list of routes", async () => {
    expect(await send({ http: "POST /", body: [] })).toEqual({
      http_status: 200,
      content_type: null,
      body: null,
    });
    const routes = await (await fetch(server.url)).text();
    expect(routes).toContain("/abci_query?path=_&data=_&height=_&prove=_");
  });

  test("the URI form takes quoted text and 0x bytes", async () => {
    backend.answer = { code: 0, codespace: "", log: "", value: bytes("0a", "hex"), height: 7n };
    const query = "/abci_query?path=%22/pocket.shared.Query/Params%22&data=0x0801&height=7";
    const { body } = await send({ http: `GET ${query}` });
    expect(body).toMatchObject({ id: -1, result: { response: { value: "Cg==", height: "7" } } });
    expect((await send({ http: "GET /block?height=0" })).http_status).toBe(500);
  });
});

describe("shapes are a real node's", () => {
  const shaped = folder("cometbft").filter(
    ({ name, recorded }) =>
      recorded.response.body?.result &&
      /^(abci_info|block_empty|block_latest|block_positional|commit|header|status|validators|block_results_empty)/.test(
        name,
      ),
  );
  test.each(shaped)("$name", async ({ recorded }) => {
    const { result } = recorded.response.body;
    const txs: string[] = result.block?.data.txs ?? [];
    const height = BigInt(result.block?.header.height ?? result.height ?? 5);
    backend.blocks.set(
      height,
      plainBlock(
        height,
        txs.map((tx) => bytes(tx)),
      ),
    );
    if (result.finalize_block_events) scriptResults(result);
    const { body } = await send(recorded.request);
    expect(body.id).toBe(recorded.response.body.id);
    expect(shape(body.result)).toEqual(shape(result));
  });

  test("the first block has no predecessor", async () => {
    const { body } = await send({ http: "GET /block?height=1" });
    expect(body.result.block.header.last_block_id).toEqual({ hash: "", parts: { total: 0, hash: "" } });
    expect(body.result.block.last_commit.height).toBe("0");
  });

  test("block ids chain", async () => {
    const { body: ninth } = await send({ http: "GET /block?height=9" });
    const { body: tenth } = await send({ http: "GET /block?height=10" });
    expect(tenth.result.block.header.last_block_id).toEqual(ninth.result.block_id);
  });
});

function scriptResults(result: Json): void {
  backend.results_.set(BigInt(result.height), {
    height: BigInt(result.height),
    txs: (result.txs_results ?? []).map(scriptedTx),
    events: result.finalize_block_events,
    appHash: bytes(result.app_hash),
  });
}

describe("answers made of the chain's own data are a real node's, value by value", () => {
  const results = folder("cometbft").filter(
    ({ name, recorded }) => /^block_results/.test(name) && recorded.response.body.result,
  );
  test.each(results)("$name", async ({ recorded }) => {
    const { result } = recorded.response.body;
    scriptResults(result);
    expect((await send(recorded.request)).body.result).toEqual(result);
  });

  test.each(folder("tx").filter(({ name }) => name.startsWith("tx_lookup")))(
    "$name",
    async ({ recorded }) => {
      const { result } = recorded.response.body;
      const height = BigInt(result.height);
      const index: number = result.index;
      const none = { gas_wanted: "0", gas_used: "0", events: [] };
      backend.blocks.set(
        height,
        plainBlock(
          height,
          Array.from({ length: index + 1 }, () => bytes(result.tx)),
        ),
      );
      backend.results_.set(height, {
        height,
        events: [],
        appHash: new Uint8Array(32),
        txs: [...Array.from({ length: index }, () => scriptedTx(none)), scriptedTx(result.tx_result)],
      });
      backend.txs.set(result.hash, { height, index });
      expect(txHash(bytes(result.tx))).toBe(result.hash);
      const { content_type, ...wanted } = recorded.response;
      expect(await send(recorded.request)).toMatchObject({ ...wanted, content_type });
    },
  );

  test.each(folder("tx").filter(({ name }) => name.startsWith("broadcast")))(
    "$name",
    async ({ recorded }) => {
      const { result, error } = recorded.response.body;
      backend.check = result ?? { refused: error.data };
      expect(await send(recorded.request)).toEqual(recorded.response);
    },
  );

  test("abci_query: all recordings", async () => {
    const all = folder("abci_query");
    for (const { recorded } of all) {
      const { code, codespace, log, value, height } = recorded.response.body.result.response;
      backend.answer = {
        code,
        codespace,
        log,
        value: value === null ? undefined : bytes(value),
        height: BigInt(height),
      };
      expect(await send(recorded.request)).toEqual(recorded.response);
    }
    expect(all.length).toBeGreaterThan(100);
  });

  test("tx_search finds by event, newest first, one page", async () => {
    const recorded = recording("cometbft/tx_search_claims");
    const [found] = recorded.response.body.result.txs;
    const height = BigInt(found.height);
    backend.blocks.set(
      height,
      plainBlock(
        height,
        Array.from({ length: found.index + 1 }, () => bytes(found.tx)),
      ),
    );
    const txs = Array.from({ length: found.index + 1 }, () => scriptedTx(found.tx_result));
    backend.results_.set(height, { height, events: [], appHash: new Uint8Array(32), txs });
    backend.txs.set(found.hash, { height, index: found.index });
    const { body } = await send(recorded.request);
    expect(body.result.txs).toEqual([found]);
    const none = structuredClone(recorded.request);
    none.body.params.query = "message.action='/pocket.proof.MsgNever'";
    expect((await send(none)).body.result).toEqual({ txs: [], total_count: "0" });
  });
});

describe("websocket", () => {
  async function connect() {
    const socket = new WebSocket(`${server.url.replace("http", "ws")}/websocket`);
    const frames: Json[] = [];
    let wake = () => {};
    socket.on("message", (data) => {
      frames.push(JSON.parse(String(data)));
      wake();
    });
    await new Promise((resolve) => socket.once("open", resolve));
    const until = async (count: number) => {
      while (frames.length < count)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      return frames;
    };
    return { socket, frames, until };
  }

  test("answers, errors and events are those of the recorded connection", async () => {
    const recorded: Json[] = recording("websocket/frames").response;
    const { socket, until } = await connect();
    for (const { dir, frame } of recorded) if (dir === "send") socket.send(JSON.stringify(frame));
    const replies = recorded.filter(({ dir, frame }) => dir === "recv" && frame.result?.data === undefined);
    expect(await until(replies.length)).toEqual(replies.map(({ frame }) => frame));

    const tx = recorded.find(({ frame }) => frame.id === 4 && frame.result?.data)?.frame;
    const { TxResult } = tx.result.data.value;
    const newBlock = recorded.find(({ frame }) => frame.id === 2 && frame.result?.data)?.frame;
    const height = backend.executed + 1n;
    backend.blocks.set(height, plainBlock(height, [bytes(TxResult.tx)]));
    const { events, app_hash } = newBlock.result.data.value.result_finalize_block;
    backend.results_.set(height, {
      height,
      events,
      appHash: bytes(app_hash),
      txs: [scriptedTx(TxResult.result)],
    });
    await backend.next();
    const got = (await until(replies.length + 4)).slice(replies.length);
    const by = (id: number) => got.find((frame) => frame.id === id);
    const at = (frame: Json) =>
      JSON.parse(JSON.stringify(frame).replaceAll(/"(height|tx\.height)":(\[?)"\d+"/g, '"$1":$2"H"'));
    expect(at(by(4))).toEqual(at(tx));
    expect(shape(by(1))).toEqual(
      shape(recorded.find(({ frame }) => frame.id === 1 && frame.result?.data)?.frame),
    );
    expect(by(2).result.events).toEqual(newBlock.result.events);
    const { tx_results, ...finalize } = by(2).result.data.value.result_finalize_block;
    expect(tx_results).toHaveLength(1);
    expect(finalize).toEqual(newBlock.result.data.value.result_finalize_block);
    expect(shape(by(2).result.data.value.block_id)).toEqual(shape(newBlock.result.data.value.block_id));
    socket.close();
  });

  test("unsubscribing stops events; a sixth subscription is refused", async () => {
    const { socket, frames, until } = await connect();
    const call = (id: number, method: string, query?: string) =>
      socket.send(
        JSON.stringify({ jsonrpc: "2.0", id, method, params: query === undefined ? {} : { query } }),
      );
    for (let id = 1; id <= 6; id++) call(id, "subscribe", `tm.event='NewBlockHeader' AND a.b='${id}'`);
    expect((await until(6))[5].error.data).toBe("max_subscriptions_per_client 5 reached");
    call(7, "unsubscribe_all");
    call(8, "subscribe", "tm.event='NewBlockHeader'");
    call(9, "unsubscribe", "tm.event='NewBlockHeader'");
    call(10, "status");
    await until(10);
    await backend.next();
    call(11, "health");
    expect((await until(11))[10]).toEqual({ jsonrpc: "2.0", id: 11, result: {} });
    expect(frames).toHaveLength(11);
    socket.close();
  });
});

describe("control", () => {
  const post = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${server.url}/control/${path}`, { method: "POST", ...init });
    return { status: response.status, body: (await response.json()) as Json };
  };
  test("forwards a command with its arguments", async () => {
    expect(await post("echo", { body: '{"a":1}' })).toEqual({
      status: 200,
      body: { ok: true, result: { a: 1, height: "1210" } },
    });
  });
  test("names what was wrong", async () => {
    const refused = { ok: false, code: "USAGE" };
    expect((await post("nothing")).body).toMatchObject({ ...refused, fields: { height: "5" } });
    expect((await post("echo", { body: "{" })).body).toMatchObject(refused);
  });
  test("refuses web pages and GET", async () => {
    expect((await post("echo", { headers: { origin: "http://evil.example" } })).status).toBe(403);
    expect((await fetch(`${server.url}/control/echo`)).status).toBe(405);
  });
});

describe("the chain client and the block stream against this server", () => {
  test("a block is delivered once its state can be read, without gaps, also when the subscription breaks", async () => {
    const client = openChainClient({
      urls: [server.url],
      timeoutMs: 10_000,
      logger: quiet,
      clock: systemClock,
    });
    const stream = watchBlocks({ client, urls: [server.url], clock: systemClock, logger: quiet, pollMs: 20 });
    const seen: bigint[] = [];
    stream.onBlock(({ height }) => {
      expect(height).toBeLessThanOrEqual(backend.executed);
      seen.push(height);
    });
    const until = async (height: bigint) => {
      while ((stream.latest()?.height ?? 0n) < height) await systemClock.sleep(5);
    };
    await until(1210n);
    for (let turn = 0; turn < 5; turn++) await backend.next(60);
    await until(1215n);
    backend.listeners.clear(); // the server's events end, as on a dead subscription
    for (let turn = 0; turn < 3; turn++) await backend.next();
    await until(1218n);
    expect(seen).toEqual(Array.from({ length: 9 }, (_, index) => 1210n + BigInt(index)));
    await stream.close();
    await client.close();
  });

  test("a subscription that died silently is replaced while polling goes on", async () => {
    const node = new WebSocketServer({ port: 0, host: "127.0.0.1", path: "/websocket" });
    await new Promise<void>((resolve) => node.once("listening", resolve));
    let connections = 0;
    node.on("connection", (socket) => {
      connections += 1;
      socket.on("message", () => socket.send('{"jsonrpc":"2.0","id":1,"result":{}}'));
    });
    const client = openChainClient({
      urls: [server.url],
      timeoutMs: 10_000,
      logger: quiet,
      clock: systemClock,
    });
    const silent = `http://127.0.0.1:${(node.address() as AddressInfo).port}`;
    const stream = watchBlocks({ client, urls: [silent], clock: systemClock, logger: quiet, pollMs: 5 });
    while (!stream.health().subscribed || stream.latest() === undefined) await systemClock.sleep(3);
    while (connections < 2) {
      await backend.next();
      while (stream.latest()?.height !== backend.executed) await systemClock.sleep(3);
    }
    expect(stream.health().blockTimeMs).toBe(500);
    await stream.close();
    await client.close();
    node.close();
  });

  test("the client reads this server as it reads a node", async () => {
    const client = openChainClient({
      urls: [server.url],
      timeoutMs: 10_000,
      logger: quiet,
      clock: systemClock,
    });
    expect(await client.status()).toMatchObject({
      chainId: "pocket",
      latestHeight: 1210n,
      catchingUp: false,
    });
    const tx = bytes("0102", "hex");
    backend.blocks.set(77n, plainBlock(77n, [tx]));
    const result = { code: 5, codespace: "sdk", log: "x", gas_wanted: "9", gas_used: "8", events: [] };
    backend.results_.set(77n, {
      height: 77n,
      events: [],
      appHash: new Uint8Array(32),
      txs: [scriptedTx(result)],
    });
    const results = await client.blockResults(77n);
    expect(results.txs).toMatchObject([{ hash: txHash(tx), code: 5, gasUsed: 8n, index: 0 }]);
    expect(await client.tx(txHash(tx))).toBeUndefined();
    backend.txs.set(txHash(tx), { height: 77n, index: 0 });
    expect(await client.tx(txHash(tx))).toMatchObject({ height: 77n, code: 5 });
    backend.check = { refused: "tx already exists in cache" };
    expect(await client.broadcast(tx)).toMatchObject({ code: 19, hash: txHash(tx) });
    await expect(
      client.query(QUERIES.sharedParams, QUERIES.sharedParams.request.create(), 9_999n),
    ).rejects.toMatchObject({ code: "CHAIN_REFUSED", fields: { code: 26 } });
    await client.close();
  });
});
