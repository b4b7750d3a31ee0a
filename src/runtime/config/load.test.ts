import { expect, test } from "vitest";
import { AppError } from "../../base/errors.ts";
import { parseYaml } from "./load.ts";
import { minerSchema } from "./miner.ts";
import { relayerSchema } from "./relayer.ts";

const RELAYER = `
listen_addr: 127.0.0.1:8180
pocket_node:
  query_node_rpc_url: http://127.0.0.1:26657, tcp://127.0.0.1:26757
  query_node_grpc_url: 127.0.0.1:9090
keys: { keys_file: keys.yaml }
services:
  eth:
    validation_mode: eager
    backends:
      jsonrpc: { url: "http://127.0.0.1:8545", headers: { X-A: b } }
`;

function problem(text: string, schema: typeof relayerSchema | typeof minerSchema = relayerSchema): string {
  try {
    parseYaml(text, "x.yaml", schema);
  } catch (thrown) {
    if (thrown instanceof AppError) return String(thrown.fields["why"]);
  }
  return "accepted";
}

test("a Go relayer file loads, with its defaults, and says what has no effect here", () => {
  const { config, unused } = parseYaml(RELAYER, "relayer.yaml", relayerSchema);
  expect(config.pocket_node.query_node_rpc_url).toEqual(["http://127.0.0.1:26657", "http://127.0.0.1:26757"]);
  expect(config.redis.namespace).toMatchObject({ base_prefix: "ha", streams_prefix: "relays" });
  expect(config.relay_meter.cache_ttl).toBe(7_200_000);
  expect(config.timeout_profiles["streaming"]?.request_seconds).toBe(600);
  expect(config.services["eth"]?.backends.jsonrpc?.endpoints).toEqual([
    { name: "127.0.0.1:8545", url: "http://127.0.0.1:8545" },
  ]);
  expect(unused).toEqual([
    "pocket_node.query_node_grpc_url: all chain access goes through query_node_rpc_url",
  ]);
});

test("a Go relayer file loads also where a service has no JSON-RPC, with a default backend or without", () => {
  const service = (yaml: string) => RELAYER.replace(/ {4}validation_mode[\s\S]*/, yaml);
  for (const yaml of [
    '    backends: { rest: { url: "http://127.0.0.1:1317" } }',
    '    default_backend: rest\n    backends: { rest: { url: "http://127.0.0.1:1317" } }',
    '    backends: { websocket: { url: "ws://127.0.0.1:8546" } }',
    '    default_backend: websocket\n    backends: { websocket: { url: "ws://127.0.0.1:8546" } }',
  ])
    expect(problem(service(yaml))).toBe("accepted");
  expect(
    problem(service('    default_backend: rest\n    backends: { grpc: { url: "127.0.0.1:9000" } }')),
  ).toMatch(/default_backend rest has no entry/);
});

test("a typo is told with its line, its full name and the nearest valid key", () => {
  expect(problem(RELAYER.replace("listen_addr", "lisen_addr"))).toBe(
    'line 2: unknown key "lisen_addr"; did you mean "listen_addr"?',
  );
  expect(problem(RELAYER.replace("validation_mode", "validaton_mode"))).toBe(
    'line 9: unknown key "services.eth.validaton_mode"; did you mean "validation_mode"?',
  );
  expect(problem(RELAYER.replace("jsonrpc: {", "grpc: { ulr: '127.0.0.1:9' }\n      jsonrpc: {"))).toMatch(
    /unknown key "services\.eth\.backends\.grpc\.ulr"; did you mean "url"\?/,
  );
});

test("a blank in a Go file means what leaving the setting out means, there and nowhere else", () => {
  const blanks = `
    validation_mode: ""
    timeout_profile: ""
    pool_profile:
    max_body_size_bytes: 0
    default_backend: ""
    backends:
      jsonrpc:
        url: "http://127.0.0.1:8545"
        urls: []
        base_path: ""
        load_balancing: ""
        authentication: { username: "u", password: "p", bearer_token: "", plain_token: "" }
        health_check: { enabled: false, endpoint: "", interval_seconds: 0, timeout_seconds: 0, unhealthy_threshold: 0,
          healthy_threshold: 0, method: "", request_body: "", content_type: "", expected_body: "", expected_status: [] }
      grpc: { url: "", urls: ["127.0.0.1:9"], load_balancing: "" }
`;
  const keys = "keys_file: keys.yaml, keys_dir: ''";
  const text = RELAYER.replace(/ {4}validation_mode[\s\S]*/, blanks).replace("keys_file: keys.yaml", keys);
  const { config } = parseYaml(text, "x.yaml", relayerSchema);
  const service = config.services["eth"];
  expect(service).toMatchObject({ timeout_profile: "fast", default_backend: "jsonrpc" });
  expect(service).not.toHaveProperty("validation_mode");
  expect(service).not.toHaveProperty("max_body_size_bytes");
  const { authentication, health_check, ...jsonrpc } = service?.backends.jsonrpc ?? {};
  expect(authentication).toEqual({ username: "u", password: "p" });
  expect(health_check).toMatchObject({ timeout_seconds: 5, healthy_threshold: 2, method: "GET" });
  expect(jsonrpc).not.toHaveProperty("base_path");
  expect(service?.backends.grpc?.endpoints).toEqual([{ name: "127.0.0.1:9", url: "http://127.0.0.1:9" }]);
  expect(config.keys).toEqual({ keys_file: "keys.yaml", allow_insecure_permissions: false });

  expect(problem(RELAYER.replace("headers:", "base_path: 0, headers:"))).toMatch(/base_path: .*string/);
  expect(problem(RELAYER.replace("headers:", "urls: '', headers:"))).toMatch(/urls: .*array/);
  expect(problem(`${RELAYER}default_max_body_size_bytes: 0\n`)).toMatch(/default_max_body_size_bytes: /);
  expect(problem(RELAYER.replace("eager", '"lazy"'))).toMatch(/validation_mode/);
  expect(problem(RELAYER.replace("127.0.0.1:8180", '""'))).toMatch(/listen_addr/);
  expect(problem(RELAYER.replace("keys_file: keys.yaml", "keys_file: ''"))).toMatch(/one of keys_file/);
});

test("a wrong value is told with its line", () => {
  expect(problem(RELAYER.replace("eager", "lazy"))).toMatch(
    /^line 9: services\.eth\.validation_mode: .*"eager"\|"optimistic"/,
  );
  expect(problem(RELAYER.replace("127.0.0.1:8180", "8180"))).toMatch(/^line 2: listen_addr: /);
  expect(problem(RELAYER.replace("keys_file: keys.yaml", ""))).toMatch(
    /one of keys_file, keys_dir and keyring is needed/,
  );
  expect(problem(RELAYER.replace('url: "http://127.0.0.1:8545"', 'url: "ftp://x"'))).toMatch(/not an http/);
});

test("verification: workers are counted or automatic, and full tables need room", () => {
  const added = (yaml: string) => problem(`${RELAYER}relay: { ${yaml} }\n`);
  for (const good of [
    "verify_workers: auto",
    "verify_workers: 0",
    "verify_workers: 64",
    "verify_tables: small",
  ])
    expect(added(good)).toBe("accepted");
  for (const bad of [
    "verify_workers: 65",
    "verify_workers: -1",
    "verify_workers: 1.5",
    "verify_workers: many",
  ])
    expect(added(bad)).toMatch(/relay\.verify_workers: /);
  expect(added("verify_queue: 0")).toMatch(/relay\.verify_queue: /);
  expect(added("verify_tables_mb: 15")).toMatch(/relay\.verify_tables_mb: /);
  expect(added("verify_tables: full, verify_tables_mb: 63")).toMatch(/full tables need verify_tables_mb/);
  expect(added("verify_tables: full, verify_tables_mb: 64")).toBe("accepted");
});

test("what is known and not built yet is refused, never ignored", () => {
  const added = (yaml: string) => problem(`${RELAYER}${yaml}`);
  expect(problem(RELAYER.replace("jsonrpc: {", "grpc: { url: x }\n      jsonrpc: {"))).toMatch(
    /"x" is not an http/,
  );
  const checked =
    "grpc: { url: 127.0.0.1:9, health_check: { enabled: true, endpoint: /, interval_seconds: 1 } }";
  expect(problem(RELAYER.replace("jsonrpc: {", `${checked}\n      jsonrpc: {`))).toMatch(
    /grpc backends have no active checks/,
  );
  expect(
    added("simulation: { enabled: false }\nresponse_compression: { enabled: false, min_size_bytes: 3 }\n"),
  ).toBe("accepted");
});

test("keys come from any of three sources; a keyring that a service cannot open is refused with what to do", () => {
  const keys = (yaml: string) => problem(RELAYER.replace("keys_file: keys.yaml", yaml));
  for (const good of [
    "keys_dir: /etc/keys",
    "keys_file: a, keys_dir: b, keyring: { backend: file, dir: /k, app_name: pocket, key_names: [a] }",
    "keyring: { backend: test, dir: /k }",
    "keyring: { backend: file, dir: /k, password_env: KEYRING_PASSWORD }",
  ])
    expect(keys(good)).toBe("accepted");
  expect(keys("keyring: { backend: os, dir: /k }")).toMatch(
    /keys\.keyring\.backend: "os" cannot be used.*"file"/,
  );
  expect(keys("keyring: { backend: memory, dir: /k }")).toMatch(/"memory" cannot be used.*keys_file/);
  expect(keys("keyring: { backend: file }")).toMatch(/keys\.keyring\.dir/);
  expect(keys("keyring: { backend: file, dir: /k, password_env: A, password_file: b }")).toMatch(/not both/);
  expect(keys("keyring: { backend: file, dir: /k, password: x }")).toMatch(
    /unknown key "keys\.keyring\.password"/,
  );
});

test("text that is no YAML, and an empty file, are refused", () => {
  expect(problem("a: [")).not.toBe("accepted");
  expect(problem("")).toMatch(/pocket_node/);
});

test("a miner file has the Go peer's defaults, but for leases, which are short because writes are fenced", () => {
  const text = "pocket_node: { query_node_rpc_url: http://n:26657 }\nkeys: { keys_file: k }\n";
  const { config } = parseYaml(text, "miner.yaml", minerSchema);
  expect(config).toMatchObject({
    batch_size: 1000,
    transaction: { gas_price: "0.000001upokt", gas_adjustment: 1.7, tx_timeout_max_seconds: 590 },
    supplier_claiming: { claim_ttl_seconds: 6, renew_rate_seconds: 2 },
    leader_election: { leader_ttl_seconds: 6 },
  });
  expect(problem(`${text}supplier_claiming: { claim_ttl_seconds: 2 }\n`, minerSchema)).toMatch(
    /renew_rate_seconds must be below/,
  );
});
