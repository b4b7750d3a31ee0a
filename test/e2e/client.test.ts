import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { LocalnetFile } from "../../src/commands/base/localnet-dir.ts";
import { errorLines, relayminer } from "../kit/cli.ts";
import { type LocalnetRun, runLocalnet, within } from "../kit/localnet.ts";
import { paidFor } from "../kit/paid.ts";

// These run what `npm run build` made: scripts/test.sh builds first.

/** Claim and proof windows are four of them. */
const BLOCK_MS = 1_500;
/** As the localnet has it at this time of a block. */
const SESSION_BLOCKS = 10;

let localnet: LocalnetRun;
let file: LocalnetFile;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "relayminer-client-"));
  localnet = runLocalnet("--keep", "--relays", "0", "--suppliers", "2", "--block-time", String(BLOCK_MS));
  file = await localnet.ready();
  await control("halt");
  // The first block of the fourth session; the first one is over for long.
  await goTo(3 * SESSION_BLOCKS + 1);
});
afterAll(async () => {
  await localnet.remove();
  rmSync(directory, { recursive: true, force: true });
});

/** The chain moves only where a test waits for it: no session ends between a relay's signing and its answer. */
async function control(command: string, args: object = {}): Promise<{ readonly executed: string }> {
  const response = await fetch(`${file.control_url}/${command}`, {
    method: "POST",
    body: JSON.stringify(args),
  });
  const { ok, result } = (await response.json()) as { ok: boolean; result: { executed: string } };
  if (!ok) throw new Error(`the chain does not ${command}`);
  return result;
}
/** The height of a halted chain, as the relayer knows it, too. */
async function goTo(height: number): Promise<void> {
  // The first block after the one that was being made as the chain was halted.
  const { executed } = await control("jump");
  await control("jump", { blocks: height - Number(executed) });
  const known = async () => {
    const health = (await (await fetch(`${file.relayer_url}/health`)).json()) as {
      block_height: number;
    };
    return health.block_height >= height;
  };
  expect(await within(20_000, known)).toBe(true);
}

const relay = (kind: string, ...flags: string[]) =>
  relayminer(["relay", kind, "--localnet", localnet.directory, ...flags], { timeoutMs: 60_000 });
const jsonOf = (text: string) => JSON.parse(text) as Record<string, unknown>;

type Session = {
  readonly application: string;
  readonly start: number;
  readonly end: number;
  readonly suppliers: readonly { readonly supplier: string; readonly relays: number }[];
  readonly expected_upokt: string;
};

// Before the other tests: nothing else is sent in its sessions.
test("a load test's expected pay, read from the chain, is what the chain then pays", async () => {
  const flags = ["--load-test", "-n", "60", "-c", "4", "--presign", "--all-suppliers", "--json"];
  const load = await relay("cometbft", ...flags);
  expect(load.code, load.stdout).toBe(0);
  const report = jsonOf(load.stdout) as { sessions: Session[]; expected_upokt: string };
  expect(report).toMatchObject({ ok: true, answered: 60, signatures: { valid: 60, wrong: 0 }, failures: [] });
  expect(report.expected_upokt).toBe(String(60 * 35 * 42));
  const claims = report.sessions.flatMap(({ suppliers, application, start, end }) =>
    suppliers.map(({ supplier, relays }) => ({
      supplier,
      relays,
      application,
      service: "cosmos",
      start,
      end,
    })),
  );
  expect(report.sessions.map(({ start }) => start)).toEqual([3 * SESSION_BLOCKS + 1]);
  await goTo(4 * SESSION_BLOCKS);
  await control("resume");
  const paid = await paidFor(file, claims);
  await control("halt");
  expect(paid).toEqual(claims.map(({ relays }) => ({ relays, upokt: BigInt(relays * 35 * 42) })));
});

const COMPUTE_UNITS: Readonly<Record<string, string>> = { jsonrpc: "100", rest: "1", cometbft: "35" };

test.each(["jsonrpc", "rest", "cometbft"])(
  "relay %s: the answer goes to stdout, all else to stderr",
  async (kind) => {
    const plain = await relay(kind);
    expect(plain.code, plain.stderr).toBe(0);
    expect(() => jsonOf(plain.stdout)).not.toThrow();
    expect(plain.stderr).toMatch(/^✔ answered in .*: signature valid\n {2}worth {6}\d+ compute unit/);
    const json = await relay(kind, "--json");
    expect(jsonOf(json.stdout)).toMatchObject({
      ok: true,
      signature_valid: true,
      leaf: true,
      compute_units: COMPUTE_UNITS[kind],
      answers: [{ status: 200 }],
    });
  },
);

test("relay stream: batches go to stdout one by one, each verified, and are one relay together", async () => {
  // Longer than a relayer may stand still: events that wait together are one batch.
  const path = ["--path", "/v1/ticks?count=6&every=500&id=x"];
  const plain = await relay("stream", ...path);
  expect(plain.code, plain.stderr).toBe(0);
  expect(plain.stdout.match(/^data: \{"tick":\d+/gm)).toHaveLength(6);
  const json = jsonOf((await relay("stream", ...path, "--json")).stdout);
  expect(json).toMatchObject({
    ok: true,
    compute_units: "20",
    leaf: null,
    first_batch_ms: expect.any(Number),
  });
  expect((json["answers"] as unknown[]).length).toBeGreaterThan(1);
});

const SUBSCRIBE = '{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}';

test("relay websocket: messages are answered in turn, pushes are printed and checked, each is a relay", async () => {
  const told = await relay("websocket", "--payload", SUBSCRIBE, "--listen", "2");
  expect(told.code, told.stderr).toBe(0);
  expect(told.stdout.split("\n")[0]).toMatch(/^\{"jsonrpc":"2.0","id":1,"result":"0x/);
  expect(told.stderr).toMatch(/1 answer within .*: signatures valid/);
  const { stdout } = await relay("websocket", "--payload", SUBSCRIBE, "--listen", "2", "--json");
  const json = jsonOf(stdout);
  const messages = json["messages"] as { push: boolean; relay_hash: string }[];
  expect(json, stdout).toMatchObject({ ok: true, handshake: "v2", compute_units: "12" });
  expect(json["expected_upokt"]).toBe(String(messages.length * 12 * 42));
  expect(new Set(messages.map(({ relay_hash }) => relay_hash)).size).toBe(messages.length);
  const load = await relay("websocket", "--load-test", "-n", "20", "-c", "4", "--handshake", "v1", "--json");
  expect(jsonOf(load.stdout)).toMatchObject({ answered: 20, signatures: { valid: 20, wrong: 0 } });
});

test("relay grpc: a gRPC backend is asked by its method, also one that says no", async () => {
  const asked = await relay("grpc", "--path", "/demo.Oracle/Ask", "--payload", "hello");
  expect(asked.code, asked.stderr).toBe(0);
  expect(asked.stdout).toMatch(/^0x[0-9a-f]{64}\n$/);
  const missing = await relay("grpc", "--path", "/demo.Oracle/Nope");
  expect(missing.code).toBe(2);
  expect(missing.stderr).toContain("gRPC status 12");
});

test("relay grpc: the answer and the refusal come over gRPC, and no relayer is told as such", async () => {
  const eth = ["--service", "eth", "--rpc-type", "jsonrpc"];
  const good = await relay("grpc", ...eth, "--json");
  expect(jsonOf(good.stdout)).toMatchObject({ ok: true, compute_units: "100", answers: [{ status: 200 }] });
  const refused = await relay("grpc", ...eth, "--session-height", "1");
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain("PERMISSION_DENIED the session is over");
  const silent = await relay("grpc", ...eth, "--relayer-url", "http://127.0.0.1:1");
  expect(silent.code).toBe(69);
  expect(silent.stderr).toContain("ECONNREFUSED");
});

test("every supplier of the session is asked, and each answer's signature is that supplier's", async () => {
  const all = await relay("rest", "--all-suppliers", "--path", "/v1/forecast?station=9");
  expect(all.code, all.stderr).toBe(0);
  expect(all.stdout.trimEnd().split("\n")).toHaveLength(2);
  for (const { address } of file.suppliers) expect(all.stdout).toContain(`✔ ${address}`);
});

test("a key of the application's own is read from a file, from stdin's place or the environment", async () => {
  const [application] = file.applications;
  const path = join(directory, "app.key");
  writeFileSync(path, `${application?.private_key}\n`, { mode: 0o600 });
  const common = ["--node-rpc", file.chain_rpc_url, "--service", "eth", "--json"];
  const found = await relayminer(["relay", "jsonrpc", ...common, "--app-key-file", path]);
  expect(found.code, found.stdout).toBe(0);
  // Without --relayer-url the supplier's staked endpoint is asked.
  expect(jsonOf(found.stdout)).toMatchObject({
    application: application?.address,
    relayer_url: file.relayer_url,
  });
  const shown = await relayminer([
    ...["relay", "jsonrpc", ...common],
    ...["--app-priv-key", application?.private_key ?? ""],
  ]);
  expect(shown.code).toBe(0);
  expect(shown.stderr).toContain("▲ --app-priv-key shows a private key");
});

const ERRORS: readonly (readonly [string, readonly string[], number, string, string])[] = [
  ["no relayer", ["--relayer-url", "http://127.0.0.1:1"], 69, "RELAYER_UNREACHABLE", "ECONNREFUSED"],
  ["a session that is over", ["--session-height", "1"], 2, "RELAY_REFUSED", "403 the session is over"],
  ["no relay port", ["--relayer-url", "{metrics}"], 2, "RELAY_REFUSED", "400"],
  ["an error inside", ["--method", "GET"], 2, "RELAY_ERROR_INSIDE", "the backend answered 405"],
  [
    "another's key",
    ["--app", "{app}", "--gateway-priv-key", "11".repeat(32)],
    64,
    "NOT_IN_RING",
    "its gateways:",
  ],
  ["a supplier outside", ["--supplier", "{app}"], 1, "NOT_IN_SESSION", "its suppliers:"],
  ["a service without application", ["--service", "nope"], 64, "USAGE", "its applications:"],
  ["no address", ["--supplier", "pokt1x"], 64, "BAD_ADDRESS", "bech32"],
];

// At once: a process each takes its time to start.
test.concurrent.each(ERRORS)("relay jsonrpc: %s is told in four lines", async (_, flags, exit, code, why) => {
  const filled = flags.map((flag) =>
    flag
      .replace("{app}", file.applications[0]?.address ?? "")
      .replace("{metrics}", file.metrics_urls.relayer.replace("/metrics", "")),
  );
  const result = await relay("jsonrpc", ...filled);
  const lines = errorLines(result).slice(-4);
  expect(result.code, result.stderr).toBe(exit);
  expect(lines[0]).toMatch(new RegExp(`^✖ .+ \\(${code}\\)$`));
  expect(lines[1]).toContain(why);
  expect(lines[3]).toBe(`  docs/errors.md#${code.toLowerCase()}`);
});

test("a load test of relays that are refused ends with 2 and their reasons, without a relayer with 69", async () => {
  const refused = await relay("jsonrpc", "-n", "10", "--session-height", "1");
  expect(refused.code).toBe(2);
  expect(refused.stdout).toContain("10 × refused: 403 the session is over");
  const silent = await relay("jsonrpc", "-n", "10", "--relayer-url", "http://127.0.0.1:1", "--json");
  expect(silent.code).toBe(69);
  expect(jsonOf(silent.stdout)).toMatchObject({
    ok: false,
    answered: 0,
    failures: [{ kind: "unreachable", times: 10 }],
  });
});
