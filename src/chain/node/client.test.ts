import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import type { Logger } from "../../base/logger.ts";
import type { Codec } from "../proto/wire.ts";
import { type OpenChainClient, openChainClient } from "./client.ts";
import { lacksHeight, mempoolCode, rpcRefusal } from "./rpc-error.ts";
import { httpTarget, webSocketTarget } from "./rpc-url.ts";

type Call = { readonly method: string; readonly params: Record<string, string> };
type Reply = {
  readonly result?: unknown;
  readonly error?: unknown;
  readonly status?: number;
  readonly hang?: boolean;
};

const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const bytes = (text: string) => new Uint8Array(Buffer.from(text, "utf8"));
const codec = {
  typeName: "opaque",
  encode: (value: Uint8Array) => value,
  decode: (value: Uint8Array) => value,
  create: () => new Uint8Array(),
} as unknown as Codec<Uint8Array>;
const opaque = { path: "/x", request: codec, response: codec };

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** A node that answers as the function says; it counts what it was asked. */
async function node(answer: (call: Call) => Reply) {
  const asked: Call[] = [];
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const call = JSON.parse(Buffer.concat(chunks).toString()) as Call;
    asked.push(call);
    const { status = 200, hang, ...rest } = answer(call);
    if (hang) return;
    response.writeHead(status).end(JSON.stringify({ jsonrpc: "2.0", id: 1, ...rest }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

function connect(urls: readonly string[], timeoutMs = 1_000): OpenChainClient {
  const client = openChainClient({ urls, timeoutMs, logger: quiet, clock: systemClock });
  open.push(() => client.close());
  return client;
}

const abci = (height: number, text: string, code = 0): Reply => ({
  result: {
    response: {
      code,
      codespace: code === 0 ? "" : "sdk",
      log: code === 0 ? "" : text,
      height: String(height),
      value: Buffer.from(text).toString("base64"),
    },
  },
});
const status = (height: number, catchingUp = false): Reply => ({
  result: {
    node_info: { network: "pocket" },
    sync_info: {
      latest_block_height: String(height),
      latest_block_time: "2026-11-23T20:00:00.5Z",
      catching_up: catchingUp,
    },
  },
});
const ask = async (client: OpenChainClient, height?: bigint) =>
  Buffer.from(await client.query(opaque, bytes("q"), height)).toString();

describe("failover", () => {
  test("a refused connection, an HTTP error and nonsense all go over to the next endpoint", async () => {
    const bad = await node(() => ({ status: 503 }));
    const worse = await node(() => ({}));
    const good = await node(() => abci(10, "good"));
    const client = connect(["http://127.0.0.1:1", bad.url, worse.url, good.url]);
    expect(await ask(client)).toBe("good");
    expect(client.endpoints().map(({ failures }) => failures)).toEqual([1, 1, 1, 0]);
    expect(await ask(client)).toBe("good");
    expect(bad.asked).toHaveLength(1); // avoided while it cools down
  });

  test("a node that hangs costs one timeout", async () => {
    const slow = await node(() => ({ hang: true }));
    const good = await node(() => abci(10, "good"));
    const client = connect([slow.url, good.url], 500);
    expect(await ask(client)).toBe("good");
    expect(await ask(client)).toBe("good");
    expect(slow.asked).toHaveLength(1);
  });

  test("reads are repeated once, then the last failure is told", async () => {
    const slow = await node(() => ({ hang: true }));
    const client = connect([slow.url], 400);
    await expect(ask(client)).rejects.toMatchObject({ code: "CHAIN_TIMEOUT", fields: { timeoutMs: 400 } });
    expect(slow.asked).toHaveLength(2);
    await expect(ask(connect(["http://127.0.0.1:1"]))).rejects.toMatchObject({ code: "CHAIN_UNREACHABLE" });
  });

  test("a refusal is an answer: nobody else is asked", async () => {
    const first = await node(() => abci(10, "no such thing: key not found", 22));
    const second = await node(() => abci(10, "good"));
    await expect(ask(connect([first.url, second.url]))).rejects.toMatchObject({ code: "CHAIN_NOT_FOUND" });
    expect(second.asked).toHaveLength(0);
  });

  test("an endpoint without the height hands over to one that has it", async () => {
    const behind = await node(() => abci(0, "cannot query with height in the future", 26));
    const good = await node(({ params }) => abci(Number(params["height"]), "good"));
    expect(await ask(connect([behind.url, good.url]), 9n)).toBe("good");
    await expect(ask(connect([behind.url]), 9n)).rejects.toMatchObject({
      code: "CHAIN_REFUSED",
      fields: { code: 26 },
    });
  });

  test("the newest state is not read from an endpoint known to be behind, unless there is no other", async () => {
    const behind = await node(({ method }) => (method === "status" ? status(90) : abci(90, "old")));
    const good = await node(({ method }) => (method === "status" ? status(100) : abci(100, "new")));
    const client = connect([behind.url, good.url]);
    expect(await client.status()).toEqual({
      chainId: "pocket",
      latestHeight: 100n,
      latestTimeMs: Date.parse("2026-11-23T20:00:00.5Z"),
      catchingUp: false,
    });
    expect(await ask(client)).toBe("new");
    expect(await ask(connect([behind.url]))).toBe("old");
  });

  test("a node that is catching up is passed over", async () => {
    const syncing = await node(() => status(100, true));
    const good = await node(() => status(100));
    expect(await connect([syncing.url, good.url]).status()).toMatchObject({ catchingUp: false });
    expect(await connect([syncing.url]).status()).toMatchObject({ catchingUp: true });
  });
});

describe("broadcast", () => {
  test("is tried once at each endpoint, and a duplicate elsewhere is code 19", async () => {
    const slow = await node(() => ({ hang: true }));
    const knows = await node(() => ({
      error: { code: -32603, message: "Internal error", data: "tx already exists in cache" },
    }));
    const client = connect([slow.url, knows.url], 400);
    expect(await client.broadcast(bytes("tx"))).toMatchObject({ code: 19, codespace: "sdk" });
    await expect(connect([slow.url], 400).broadcast(bytes("tx"))).rejects.toMatchObject({
      code: "CHAIN_TIMEOUT",
    });
    expect(slow.asked).toHaveLength(2);
  });

  test.each([
    ["tx already exists in cache", 19],
    ["mempool is full: number of txs 5000 (max: 5000)", 20],
    ["Tx too large. Max size is 1048576, but got 2000000", 21],
    ["something else", undefined],
  ])("%s", (data, code) => {
    expect(mempoolCode(rpcRefusal({ code: -32603, message: "Internal error", data }, {}))?.code).toBe(code);
  });
});

test("a block with a hash that is not 32 bytes is refused", async () => {
  const block = (hash: string) => ({
    block_id: { hash, parts: { total: 1, hash: "AA" } },
    block: {
      header: {
        version: { block: "11" },
        chain_id: "pocket",
        height: "5",
        time: "2026-11-23T20:00:00Z",
        last_block_id: { hash: "", parts: { total: 0, hash: "" } },
        last_commit_hash: "",
        data_hash: "",
        validators_hash: "",
        next_validators_hash: "",
        consensus_hash: "",
        app_hash: "",
        last_results_hash: "",
        evidence_hash: "",
        proposer_address: "AA",
      },
      data: { txs: [] },
      evidence: { evidence: [] },
      last_commit: {
        height: "0",
        round: 0,
        block_id: { hash: "", parts: { total: 0, hash: "" } },
        signatures: [],
      },
    },
  });
  const good = await node(() => ({ result: block("ab".repeat(32)) }));
  expect((await connect([good.url]).block(5n)).hash).toHaveLength(32);
  const short = await node(() => ({ result: block("ab") }));
  await expect(connect([short.url]).block(5n)).rejects.toMatchObject({ code: "CHAIN_BAD_ANSWER" });
  const other = await node(() => ({ result: block("cd".repeat(32)) }));
  const hashes = await connect([good.url, other.url, "http://127.0.0.1:1"]).blockHashes(5n);
  expect(hashes.map(({ hash }) => hash[0])).toEqual([0xab, 0xcd]);
});

describe("endpoint URLs", () => {
  test("schemes, paths and credentials", () => {
    expect(httpTarget("tcp://node:26657").href).toBe("http://node:26657/");
    expect(webSocketTarget("https://host/rpc/token?k=v").href).toBe("wss://host/rpc/token/websocket?k=v");
    const target = httpTarget("https://user:p%40ss@host/secret");
    expect(target.name).toBe("host");
    expect(target.href).toBe("https://host/secret");
    expect(target.headers["authorization"]).toBe(`Basic ${Buffer.from("user:p@ss").toString("base64")}`);
  });
  test.each(["", "node:26657", "ftp://node", "http://"])("%s is none", (url) => {
    expect(() => connect([url])).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });
  test("none at all", () => {
    expect(() => connect([])).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });
});

test.each([
  ["height 9 must be less than or equal to the current blockchain height 5", true],
  ["could not find results for height #9", true],
  ["height must be greater than 0, but got 0", false],
])("%s", (data, lacking) => {
  expect(lacksHeight(rpcRefusal({ code: -32603, message: "Internal error", data }, {}))).toBe(lacking);
});
