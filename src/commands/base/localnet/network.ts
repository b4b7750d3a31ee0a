import type { Clock } from "../../../base/clock.ts";
import type { CloseStack } from "../../../base/close-stack.ts";
import type { Logger } from "../../../base/logger.ts";
import { type BlockStream, watchBlocks } from "../../../chain/node/block-stream.ts";
import { openChainClient } from "../../../chain/node/client.ts";
import { sharedParams } from "../../../chain/node/queries.ts";
import type { ChainClient } from "../../../chain/node/types.ts";
import type { SharedParams } from "../../../chain/proto/shared.ts";
import { type Backend, startBackend } from "./backends.ts";
import { type ConfigFiles, writeConfigFiles } from "./config-files.ts";
import type { Directory } from "./directory.ts";
import { genesisYaml } from "./genesis-file.ts";
import type { Plan } from "./plan.ts";
import { choosePorts, type Ports } from "./ports.ts";
import { ownProgram, Processes, type Program, type Running } from "./processes.ts";
import { type RedisServer, startRedisServer } from "./redis-server.ts";
import type { LocalnetSettings } from "./settings.ts";
import { answersOk, untilReady } from "./until.ts";

export type NetworkOptions = {
  readonly settings: LocalnetSettings;
  readonly plan: Plan;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly owned: CloseStack;
  /** One line for each part that has come up. */
  readonly onUp: (what: string) => void;
  /** A process ended that nobody stopped. */
  readonly onEnd: (running: Running, how: string) => void;
  /** It was started again. */
  readonly onAgain: (running: Running) => void;
};

export type Network = {
  readonly ports: Ports;
  readonly redis: RedisServer;
  readonly backends: readonly Backend[];
  readonly files: ConfigFiles & { readonly genesis: string };
  readonly chain: ChainClient;
  readonly blocks: BlockStream;
  readonly params: SharedParams;
  /** What runs now under a name; a restarted process has another pid. */
  readonly running: ReadonlyMap<string, Running>;
};

const START_MS = 30_000;
const RESTART_MS = 300;
const MAX_RESTARTS = 20;

/**
 * Brings up a whole network, each part ready before the next: redis-server, chain, backends, miner, relayer. Everything goes to `owned`.
 * Throws AppError REDIS_SERVER_MISSING, LISTEN_FAILED, LOCALNET_FAILED, and the signal's reason.
 */
export async function startNetwork(options: NetworkOptions): Promise<Network> {
  const { settings, plan, directory, clock, logger, signal, owned, onUp } = options;
  const ports = await choosePorts(settings.port);
  const crew = new Crew(options);
  const redis = await startRedisServer({
    processes: crew.processes,
    directory: directory.redis,
    program: settings.redisServer,
    clock,
    signal,
    owned,
  });
  onUp(`redis-server ${redis.version} on unix socket, aof on`);

  const genesis = directory.write("genesis.yaml", genesisYaml(plan, ports));
  const rpcUrl = `http://127.0.0.1:${ports.chainRpc}`;
  await crew.start(devnetProgram(genesis, ports), () => answersOk(`${rpcUrl}/status`));
  const chain = owned.own(openChainClient({ urls: [rpcUrl], timeoutMs: 5_000, logger, clock }));
  const blocks = owned.own(watchBlocks({ client: chain, urls: [rpcUrl], clock, logger }));
  onUp(
    `devnet chain, ${plan.blockTimeMs} ms blocks, ${plan.grid.sessionBlocks} a session, ${plan.services.length} services, ${plan.suppliers.length} suppliers`,
  );

  const backends: Backend[] = [];
  for (const service of plan.services) backends.push(owned.own(await startBackend(service, clock)));
  const files = writeConfigFiles(directory, { plan, ports, redisUrl: redis.url, backends });
  await crew.start(ownProgram("miner", ["miner", "start", "--config", files.miner]), () =>
    answersOk(`http://127.0.0.1:${ports.minerMetrics}/ready`),
  );
  await crew.start(ownProgram("relayer", ["relay", "start", "--config", files.relayer]), () =>
    answersOk(`http://127.0.0.1:${ports.relay}/ready`),
  );
  onUp(`relayer :${ports.relay}, miner, ${backends.length} backends`);
  return {
    ports,
    redis,
    backends,
    files: { ...files, genesis },
    chain,
    blocks,
    params: await sharedParams(chain),
    running: crew.running,
  };
}

/** The commit race and the late index of real nodes are there too (chain 2.2), scaled to the block time. */
const devnetProgram = (genesis: string, ports: Ports): Program =>
  ownProgram("devnet", [
    "devnet",
    ...["--genesis", genesis, "--rpc-port", String(ports.chainRpc)],
    ...["--commit-race", "15", "--indexer-delay", "40"],
  ]);

/** The processes of this network by name, started again when they end and that is wanted. */
class Crew {
  readonly processes: Processes;
  readonly running = new Map<string, Running>();
  readonly #options: NetworkOptions;
  readonly #programs = new Map<string, Program>();
  /** Those that have been ready once. */
  readonly #up = new Set<string>();
  #restarts = 0;

  constructor(options: NetworkOptions) {
    this.#options = options;
    const { directory, clock, owned } = options;
    this.processes = owned.own(
      new Processes({
        logDirectory: directory.logs,
        clock,
        onEnd: (running, how) => this.#ended(running, how),
      }),
    );
  }

  async start(program: Program, isReady: () => Promise<boolean>): Promise<void> {
    const { clock, signal } = this.#options;
    const running = await this.processes.start(program);
    this.running.set(program.name, running);
    this.#programs.set(program.name, program);
    await untilReady(running, { clock, signal, withinMs: START_MS }, isReady);
    this.#up.add(program.name);
  }

  #ended(running: Running, how: string): void {
    const { settings, onEnd, signal } = this.#options;
    // One that ends before it is ready is told of by whoever waits for it.
    if (!this.#up.has(running.name) || signal.aborted) return;
    onEnd(running, how);
    const program = this.#programs.get(running.name);
    const again = settings.restart && (running.name === "miner" || running.name === "relayer");
    if (program !== undefined && again && this.#restarts < MAX_RESTARTS) void this.#again(program);
  }

  async #again(program: Program): Promise<void> {
    const { clock, signal, logger, onAgain } = this.#options;
    this.#restarts += 1;
    await clock.sleep(RESTART_MS, signal);
    if (signal.aborted) return;
    try {
      const running = await this.processes.start(program);
      this.running.set(program.name, running);
      onAgain(running);
    } catch (thrown) {
      logger.error({ name: program.name, error: String(thrown) }, "a process could not be started again");
    }
  }
}
