import { toHex } from "../../../base/bytes.ts";
import type { LocalnetFile } from "../localnet-dir.ts";
import type { Actor } from "./actors.ts";
import type { Directory } from "./directory.ts";
import type { Network } from "./network.ts";
import type { Plan } from "./plan.ts";
import type { LocalnetSettings } from "./settings.ts";

type Given = {
  readonly settings: LocalnetSettings;
  readonly plan: Plan;
  readonly directory: Directory;
  readonly network: Network;
};

/** What a running localnet says of itself. */
export function localnetFile({ settings, plan, directory, network }: Given): LocalnetFile {
  const { ports, files } = network;
  const url = (port: number) => `http://127.0.0.1:${port}`;
  const serviceIds = plan.services.map(({ id }) => id);
  return {
    version: settings.version,
    pid: process.pid,
    directory: directory.root,
    chain_id: plan.chainId,
    seed: plan.seed,
    block_time_ms: plan.blockTimeMs,
    relayer_url: url(ports.relay),
    relayer_health_url: url(ports.relayerHealth),
    metrics_urls: {
      relayer: `${url(ports.relayerMetrics)}/metrics`,
      miner: `${url(ports.minerMetrics)}/metrics`,
    },
    chain_rpc_url: url(ports.chainRpc),
    control_url: `${url(ports.chainRpc)}/control`,
    redis_url: network.redis.url,
    config_files: { relayer: files.relayer, miner: files.miner, genesis: files.genesis },
    keys_files: { suppliers: files.supplierKeys },
    log_directory: directory.logs,
    processes: [network.redis.running, ...network.running.values()].map(({ name, pid, logFile }) => ({
      name,
      pid,
      log_file: logFile,
    })),
    services: plan.services.map(({ id, kind, computeUnitsPerRelay }) => ({
      id,
      rpc_type: kind,
      compute_units_per_relay: Number(computeUnitsPerRelay),
      backend_url: network.backends.find(({ service }) => service === id)?.url ?? "",
    })),
    applications: plan.applications.map((application) => ({
      ...holder(application),
      service_ids: [application.service.id],
      gateways: application.gateways.map(holder),
    })),
    suppliers: plan.suppliers.map(({ address, publicKey }) => ({
      address,
      public_key: toHex(publicKey),
      service_ids: serviceIds,
    })),
  };
}

const holder = ({ address, privateKey }: Actor) => ({ address, private_key: toHex(privateKey) });
