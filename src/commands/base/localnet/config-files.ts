import { stringify } from "yaml";
import { toHex } from "../../../base/bytes.ts";
import type { Actor } from "./actors.ts";
import type { Backend } from "./backends.ts";
import { backendKindOf } from "./demo-kinds.ts";
import type { Directory } from "./directory.ts";
import type { Plan } from "./plan.ts";
import type { Ports } from "./ports.ts";

export type ConfigFiles = { readonly relayer: string; readonly miner: string; readonly supplierKeys: string };

type Given = {
  readonly plan: Plan;
  readonly ports: Ports;
  readonly redisUrl: string;
  readonly backends: readonly Backend[];
};

/** Writes relayer.yaml, miner.yaml and the suppliers' keys: files as an operator writes them, only with a short grid's timings. */
export function writeConfigFiles(directory: Directory, given: Given): ConfigFiles {
  const supplierKeys = directory.write("supplier-keys.yaml", keysYaml(given.plan.suppliers));
  return {
    relayer: directory.write("relayer.yaml", stringify(relayerYaml(given, supplierKeys))),
    miner: directory.write("miner.yaml", stringify(minerYaml(given, supplierKeys))),
    supplierKeys,
  };
}

/** As text, not through the YAML writer: 64 digits without quotes could be read as a number elsewhere. */
const keysYaml = (actors: readonly Actor[]): string =>
  ["keys:", ...actors.map(({ privateKey, address }) => `  - "${toHex(privateKey)}" # ${address}`), ""].join(
    "\n",
  );

const common = ({ plan, ports, redisUrl }: Given, supplierKeys: string) => ({
  redis: { url: redisUrl },
  pocket_node: {
    query_node_rpc_url: `http://127.0.0.1:${ports.chainRpc}`,
    chain_id: plan.chainId,
    query_timeout_seconds: 5,
  },
  keys: { keys_file: supplierKeys },
  logging: { level: "info", format: "json" },
});

const relayerYaml = (given: Given, supplierKeys: string) => ({
  ...common(given, supplierKeys),
  listen_addr: `127.0.0.1:${given.ports.relay}`,
  metrics: { enabled: true, addr: `127.0.0.1:${given.ports.relayerMetrics}` },
  health_check: { enabled: true, addr: `127.0.0.1:${given.ports.relayerHealth}` },
  default_validation_mode: "eager",
  services: Object.fromEntries(
    given.plan.services.map(({ id, kind }) => [
      id,
      {
        // A default is for relays over HTTP that name no kind.
        ...(kind === "websocket" || kind === "grpc" ? {} : { default_backend: backendKindOf(kind) }),
        backends: {
          [backendKindOf(kind)]: { url: given.backends.find(({ service }) => service === id)?.url ?? "" },
        },
        ...(kind === "stream" ? { streaming: { enabled: true } } : {}),
      },
    ]),
  ),
  // Nobody balances load here, and nobody wants to wait.
  relay: { publish: "before_reply", instance_id: "relayer-1", drain: { delay: "0s" } },
});

/** Leases are short because sessions are: another miner must be able to take over within a claim window. */
const minerYaml = (given: Given, supplierKeys: string) => {
  const { redis, ...rest } = common(given, supplierKeys);
  return {
    ...rest,
    redis: { ...redis, consumer_name: "miner-1", claim_idle_timeout_ms: 2_000 },
    metrics: { enabled: true, addr: `127.0.0.1:${given.ports.minerMetrics}` },
    leader_election: { leader_ttl_seconds: 3, heartbeat_rate_seconds: 1 },
    supplier_claiming: { claim_ttl_seconds: 3, renew_rate_seconds: 1 },
  };
};
