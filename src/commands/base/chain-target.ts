import { existsSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../base/clock.ts";
import { type OpenChainClient, openChainClient } from "../../chain/node/client.ts";
import { loadNodeSection } from "../../runtime/config/node.ts";
import { quietLogger } from "./quiet-logger.ts";

type ChainFlags = { readonly config?: string | undefined; readonly localnet?: string | undefined };

/** What a local network calls the YAML of its relayer. */
const LOCALNET_CONFIG = "relayer.yaml";

/** A client of the chain that --config or --localnet names; undefined when neither does. Nothing is asked yet. Errors as loadYaml's. */
export function chainOf({ config, localnet }: ChainFlags): OpenChainClient | undefined {
  const path = config ?? (localnet === undefined ? undefined : localnetConfig(localnet));
  const node = path === undefined ? undefined : loadNodeSection(path);
  if (node === undefined) return undefined;
  return openChainClient({
    urls: node.query_node_rpc_url,
    timeoutMs: node.query_timeout_seconds * 1000,
    logger: quietLogger("chain"),
    clock: systemClock,
  });
}

/** Undefined when there is none: that no localnet runs there is told by whoever connects to its Redis. */
function localnetConfig(directory: string): string | undefined {
  const path = join(directory, LOCALNET_CONFIG);
  return existsSync(path) ? path : undefined;
}
