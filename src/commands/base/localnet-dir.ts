import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { AppError } from "../../base/errors.ts";

const keyHolder = z.object({ address: z.string(), private_key: z.string() });

/** `<dir>/localnet.json`: all that a client or an operator's command needs of a running localnet. Paths are absolute, keys in hex. */
const localnetFile = z.object({
  version: z.string(),
  pid: z.number(),
  directory: z.string(),
  chain_id: z.string(),
  seed: z.number(),
  block_time_ms: z.number(),
  relayer_url: z.string(),
  relayer_health_url: z.string(),
  metrics_urls: z.object({ relayer: z.string(), miner: z.string() }),
  chain_rpc_url: z.string(),
  /** POST <control_url>/<command>: the devnet's control API. */
  control_url: z.string(),
  redis_url: z.string(),
  config_files: z.object({ relayer: z.string(), miner: z.string(), genesis: z.string() }),
  keys_files: z.object({ suppliers: z.string() }),
  log_directory: z.string(),
  processes: z.array(z.object({ name: z.string(), pid: z.number(), log_file: z.string() })),
  services: z.array(
    z.object({
      id: z.string(),
      rpc_type: z.string(),
      compute_units_per_relay: z.number(),
      backend_url: z.string(),
    }),
  ),
  applications: z.array(
    z.object({
      address: z.string(),
      private_key: z.string(),
      service_ids: z.array(z.string()),
      gateways: z.array(keyHolder),
    }),
  ),
  suppliers: z.array(
    z.object({ address: z.string(), public_key: z.string(), service_ids: z.array(z.string()) }),
  ),
});

export type LocalnetFile = z.output<typeof localnetFile>;

export const LOCALNET_FILE = "localnet.json";

/** The localnet that runs in a directory. Throws AppError LOCALNET_MISSING when none does. */
export function readLocalnet(directory: string): LocalnetFile {
  const path = join(directory, LOCALNET_FILE);
  try {
    return localnetFile.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (thrown) {
    const absent = (thrown as NodeJS.ErrnoException).code === "ENOENT";
    const why = absent ? `${path} does not exist` : `${path} cannot be read as a localnet's file`;
    throw new AppError("LOCALNET_MISSING", `There is no running localnet in ${directory}`, { why }, thrown);
  }
}
