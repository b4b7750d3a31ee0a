import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CliResult, errorLines, relayminer } from "../kit/cli.ts";
import { type RedisServer, startRedis } from "../kit/redis.ts";

// These run what `npm run build` made: scripts/test.sh builds first.

const STATUS = {
  node_info: { network: "pocket" },
  sync_info: {
    latest_block_height: "1210",
    latest_block_time: "2026-11-23T21:17:09.653660677Z",
    latest_block_hash: "80".repeat(32),
    latest_app_hash: "1d".repeat(32),
    earliest_block_height: "1",
    catching_up: false,
  },
};

let directory: string;
let redis: RedisServer;
let node: Server;
let nodeUrl: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "relayminer-errors-"));
  redis = await startRedis();
  node = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += String(chunk)));
    request.on("end", () => {
      const { id } = JSON.parse(body === "" ? "{}" : body) as { id?: number };
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ jsonrpc: "2.0", id: id ?? 1, result: STATUS }));
    });
  });
  await new Promise<void>((resolve) => node.listen(0, "127.0.0.1", resolve));
  nodeUrl = `http://127.0.0.1:${(node.address() as AddressInfo).port}`;
  mkdirSync(join(directory, "directory"));
  write("keys.yaml", `keys:\n  - "${"07".repeat(32)}"\n`);
  write("open.yaml", "keys: []\n", 0o640);
  write("bad.yaml", 'keys: ["5ecre7"]\n');
  write("text.yaml", "a: [1\nb: }");
});
afterAll(async () => {
  node.closeAllConnections();
  await new Promise((resolve) => node.close(resolve));
  await redis.close();
  rmSync(directory, { recursive: true, force: true });
});

function write(name: string, text: string, mode = 0o600): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

type Change = {
  readonly redis?: string;
  readonly node?: string;
  readonly chain?: string;
  readonly keys?: string;
};

const UNREACHABLE = "http://127.0.0.1:1";

const common = ({ redis: url, node: rpc, chain = "pocket", keys = "keys.yaml" }: Change) => `redis:
  url: ${url ?? redis.url}
pocket_node:
  query_node_rpc_url: ${rpc ?? nodeUrl}
  chain_id: ${chain}
keys:
  keys_file: ${keys}
metrics:
  enabled: false
`;

const ROLES = {
  relay: (change: Change = {}) => `listen_addr: 127.0.0.1:0
${common(change)}health_check:
  enabled: false
services:
  eth:
    backends:
      jsonrpc: { url: "http://127.0.0.1:8545" }
`,
  miner: (change: Change = {}) => common(change),
} as const;

type Role = keyof typeof ROLES;
const BOTH: readonly Role[] = ["relay", "miner"];

let files = 0;
const start = (role: Role, text: string): Promise<CliResult> => {
  const path = write(`${role}-${++files}.yaml`, text);
  return relayminer([role, "start", "--config", path], { cwd: directory });
};

/** Four lines, nothing on stdout, the exit code and the place in docs/errors.md that belong to the code. */
function expectError(result: CliResult, code: string, exit: number): string[] {
  const lines = errorLines(result);
  expect({ exit: result.code, stdout: result.stdout, lines }).toEqual({
    exit,
    stdout: "",
    lines: [
      expect.stringMatching(new RegExp(`^✖ .+ \\(${code}\\)$`)),
      expect.stringMatching(/^ {2}\S/),
      expect.stringMatching(/^ {2}\S/),
      `  docs/errors.md#${code.toLowerCase()}`,
    ],
  });
  expect(result.stderr).not.toContain("    at ");
  return lines;
}

test.concurrent.each(BOTH)(
  "%s start: a typo is told with its line, the key and the nearest valid one",
  async (role) => {
    const text = ROLES[role]().replace("pocket_node", "poket_node");
    const line = text.split("\n").findIndex((each) => each.startsWith("poket_node")) + 1;
    const result = await start(role, text);
    const lines = errorLines(result);
    expect(result.code).toBe(78);
    expect(lines[0]).toMatch(/^✖ .*\.yaml is not valid \(CONFIG_INVALID\)$/);
    expect(lines).toContain(`  line ${line}: unknown key "poket_node"; did you mean "pocket_node"?`);
    expect(lines.at(-1)).toBe("  docs/errors.md#config_invalid");
  },
);

test.concurrent.each(BOTH)("%s start: a single typo in a section makes exactly four lines", async (role) => {
  const result = await start(role, ROLES[role]().replace("chain_id", "chian_id"));
  const [, why] = expectError(result, "CONFIG_INVALID", 78);
  expect(why).toMatch(/^ {2}line \d+: unknown key "pocket_node.chian_id"; did you mean "chain_id"\?$/);
});

test.concurrent.each(BOTH)("%s start: a missing Redis", async (role) => {
  const text = `${ROLES[role]({ redis: "redis://user:hunter2@127.0.0.1:1/0" })}${role}: { redis_wait: 0s }\n`;
  const result = await start(role, text);
  const [what, why] = expectError(result, "REDIS_UNREACHABLE", 69);
  expect(what).toContain("redis://127.0.0.1:1/0");
  expect(why).toContain("ECONNREFUSED");
  expect(result.stderr).not.toContain("hunter2");
});

test.concurrent.each(BOTH)("%s start: a missing node", async (role) => {
  const result = await start(role, ROLES[role]({ node: UNREACHABLE }));
  const [, why] = expectError(result, "CHAIN_UNREACHABLE", 69);
  expect(why).toContain("127.0.0.1:1");
});

test.concurrent.each(BOTH)("%s start: a node of another chain", async (role) => {
  const result = await start(role, ROLES[role]({ chain: "pocket-beta" }));
  const [what, why] = expectError(result, "CHAIN_ID_MISMATCH", 78);
  expect(what).toContain('"pocket", not on "pocket-beta"');
  expect(why).toContain(new URL(nodeUrl).host);
});

test.concurrent.each([
  ["is not there", "KEYS_MISSING", 66, "none.yaml"],
  ["is a directory", "KEYS_UNREADABLE", 77, "directory"],
  ["is open to others", "KEYS_PERMISSION", 77, "open.yaml"],
  ["holds no key", "KEYS_INVALID", 65, "bad.yaml"],
] as const)("a keys file that %s: %s", async (_, code, exit, keys) => {
  for (const role of BOTH) {
    const result = await start(role, ROLES[role]({ keys }));
    expectError(result, code, exit);
    expect(result.stderr).toContain(keys);
    expect(result.stderr).not.toContain("5ecre7");
  }
});

test.concurrent.each([
  ["is not there", "CONFIG_MISSING", 66, "none.yaml"],
  ["is a directory", "CONFIG_UNREADABLE", 78, "directory"],
  ["is not YAML", "CONFIG_UNREADABLE", 78, "text.yaml"],
] as const)("a configuration that %s: %s", async (_, code, exit, config) => {
  for (const role of BOTH)
    expectError(await relayminer([role, "start", "--config", config], { cwd: directory }), code, exit);
});

test.concurrent("with --json an error is an object on stdout, with the same exit code", async () => {
  const result = await relayminer(["cache", "list", "--redis", "redis://127.0.0.1:1", "--json"]);
  expect(result.code).toBe(69);
  expect(JSON.parse(result.stdout)).toEqual({
    error: {
      code: "REDIS_UNREACHABLE",
      what: expect.stringContaining("redis://127.0.0.1:1/0"),
      why: expect.stringContaining("ECONNREFUSED"),
      todo: expect.stringContaining("--redis"),
      docs: "docs/errors.md#redis_unreachable",
      exit: 69,
    },
  });
});

test.concurrent.each([
  [["relay", "start"], 64, /required flag config/],
  [["relay", "start", "--confg", "x"], 64, /--confg/],
  [["no-such-command"], 127, /no-such-command/],
  [["cache", "invalidate"], 64, /exactly one of --app/],
  [["cache", "invalidate", "--app", "pokt1a", "--all"], 64, /--app and --all/],
  [["cache", "invalidate", "--app", "pokt1nonsense"], 64, /BAD_ADDRESS/],
  [["cache", "invalidate", "--params", "--timeout", "soon"], 64, /--timeout soon/],
  [["cache", "show", "--service", "a:b"], 64, /--service a:b/],
  [["cache", "list", "--localnet", "/nowhere"], 66, /LOCALNET_MISSING/],
] as const)("wrong usage: %s ends with %i", async (args, exit, text) => {
  const result = await relayminer(args, { cwd: directory });
  expect(result.stderr).toMatch(text);
  expect(result.code).toBe(exit);
});
