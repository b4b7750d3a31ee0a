import { type Clock, systemClock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { DevnetBackend } from "./backend.ts";
import { type ChainSettings, DevnetChain } from "./chain/devnet-chain.ts";
import { type Control, controlOf } from "./control/commands.ts";
import { type Genesis, parseGenesis } from "./genesis.ts";
import * as money from "./money/main.ts";
import { startRpcServer } from "./rpc/server.ts";

export type DevnetOptions = {
  /** YAML text, or what `parseGenesis` made of it. */
  readonly genesis: string | Genesis;
  /** Overrides the genesis; at least 200. */
  readonly blockTimeMs?: number;
  /** Blocks come only from `step` and from control commands that need one; their times depend on no clock. */
  readonly manual?: boolean;
  readonly settings?: Partial<ChainSettings>;
  readonly host?: string;
  /** 0: any free port. */
  readonly rpcPort?: number;
  readonly log?: Logger;
  readonly clock?: Clock;
};

export type Devnet = {
  readonly rpcUrl: string;
  readonly chainId: string;
  readonly genesis: Genesis;
  readonly backend: DevnetBackend;
  /** The commands of `POST /control/<name>`, in process. */
  readonly control: Control;
  /** Makes one block now; resolves with its height once it is committed. */
  step(): Promise<bigint>;
  close(): Promise<void>;
};

/** A Pocket chain in this process behind a CometBFT RPC listener. Throws AppError GENESIS_INVALID, LISTEN_FAILED, USAGE. */
export async function startDevnet(options: DevnetOptions): Promise<Devnet> {
  const { clock = systemClock, log, manual, blockTimeMs, settings } = options;
  const genesis = typeof options.genesis === "string" ? parseGenesis(options.genesis) : options.genesis;
  const chain = new DevnetChain({ genesis, hooks: money, clock, log, blockTimeMs, manual, settings });
  const network = { delayMs: 0 };
  const control = controlOf(chain, network);
  const backend = backendOf(chain, control);
  const server = await startRpcServer({
    backend,
    host: options.host ?? "127.0.0.1",
    port: options.rpcPort ?? 0,
    clock,
    settings: network,
    ...(log === undefined ? {} : { log }),
  });
  await chain.start();
  log?.info(
    { rpc: server.url, chain: genesis.chainId, blockTimeMs: chain.blockTimeMs },
    "devnet chain is up",
  );
  return {
    rpcUrl: server.url,
    chainId: genesis.chainId,
    genesis,
    backend,
    control,
    step: () => chain.step(),
    close: async () => {
      await server.close();
      await chain.close();
    },
  };
}

const backendOf = (chain: DevnetChain, control: Control): DevnetBackend => ({
  status: () => chain.status(),
  block: (height) => chain.block(height),
  results: (height) => chain.results(height),
  query: (path, data, height) => chain.query(path, data, height),
  checkTx: (tx) => chain.checkTx(tx),
  tx: (hash) => chain.tx(hash),
  mempool: () => chain.mempool.txs,
  onBlock: (listener) => chain.onBlock(listener),
  control,
});
