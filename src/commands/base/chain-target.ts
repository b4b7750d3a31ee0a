import { systemClock } from "../../base/clock.ts";
import { type OpenChainClient, openChainClient } from "../../chain/node/client.ts";
import { loadNodeSection } from "../../runtime/config/node.ts";
import { readLocalnet } from "./localnet-dir.ts";
import { quietLogger } from "./quiet-logger.ts";

type ChainFlags = { readonly config?: string | undefined; readonly localnet?: string | undefined };

const LOCALNET_TIMEOUT_MS = 3_000;

/**
 * A client of the chain that --config or --localnet names; undefined when neither does. Nothing is asked yet. Errors: those of loadYaml,
 * LOCALNET_MISSING.
 */
export function chainOf(flags: ChainFlags): OpenChainClient | undefined {
  const target = targetOf(flags);
  return target && openChainClient({ ...target, logger: quietLogger("chain"), clock: systemClock });
}

function targetOf({ config, localnet }: ChainFlags) {
  if (localnet !== undefined)
    return { urls: [readLocalnet(localnet).chain_rpc_url], timeoutMs: LOCALNET_TIMEOUT_MS };
  const node = config === undefined ? undefined : loadNodeSection(config);
  return node && { urls: node.query_node_rpc_url, timeoutMs: node.query_timeout_seconds * 1000 };
}
