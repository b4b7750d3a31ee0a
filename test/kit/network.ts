import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toHex } from "../../src/base/bytes.ts";
import { systemClock } from "../../src/base/clock.ts";
import type { Logger } from "../../src/base/logger.ts";
import { type OpenChainClient, openChainClient } from "../../src/chain/node/client.ts";
import { session } from "../../src/chain/node/queries.ts";
import { PoktHttpRequest } from "../../src/chain/proto/http-envelope.ts";
import type { RelayRequest } from "../../src/chain/proto/service.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { headerMap } from "../../src/chain/protocol/http-headers.ts";
import { requestDigest } from "../../src/chain/protocol/relay-hash.ts";
import { signRing } from "../../src/chain/protocol/ring/sign.ts";
import { identityOf } from "../../src/devnet/genesis/identities.ts";
import { type Devnet, startDevnet } from "../../src/devnet/main.ts";
import { loadRelayerConfig } from "../../src/runtime/config/relayer.ts";
import { spoolDirectories } from "../../src/runtime/config/spool.ts";
import type { Namespace } from "../../src/runtime/redis/keys.ts";
import { type Relayer, startRelayer } from "../../src/runtime/relayer/main.ts";
import { type RedisServer, startRedis } from "./redis.ts";
import { answerSockets } from "./socket-answers.ts";

export const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const SEED = "kit";
const SERVICE = "kit-svc";

export type NetworkOptions = {
  readonly proofProbability?: number;
  /** Of the application, in upokt. */
  readonly stake?: number;
  readonly blockTimeMs?: number;
  /** How long the relayer waits for its node. */
  readonly queryTimeoutSeconds?: number;
  /** Keys of the relayer's YAML that differ from the kit's. */
  readonly relayer?: Readonly<Record<string, unknown>>;
  /** Parts of `redis.namespace` that differ from the default. */
  readonly namespace?: Partial<Namespace>;
  /** The relayer holds the second gateway's key as well, which is no supplier's on chain. */
  readonly holdsNewcomer?: boolean;
  /** A second supplier is staked as the first one is, and the relayer holds its key as well. */
  readonly two?: boolean;
  /** The backend speaks WebSocket as well, and echoes. */
  readonly webSocket?: boolean;
  /** Keys of the service's part of it. */
  readonly service?: Readonly<Record<string, unknown>>;
  /** The relayer's way to the chain goes through this proxy, which can be cut. */
  readonly chainProxy?: (target: string) => Promise<string>;
};

/** One supplier, one application with one gateway, a second gateway without applications, one service with a weight that is not 1. */
const genesis = ({
  proofProbability = 0.25,
  stake = 100_000_000_000,
  blockTimeMs = 300,
  two = false,
}: NetworkOptions) => `
chain_id: kit
seed: ${SEED}
block_time_ms: ${blockTimeMs}
params:
  shared: { num_blocks_per_session: 20 }
  application: { min_stake: 1 }
  proof: { proof_request_probability: ${proofProbability} }
services: [{ id: ${SERVICE}, compute_units_per_relay: 7 }]
gateways: [{ name: gateway }, { name: newcomer }]
applications: [{ name: application, stake: ${stake}, services: [${SERVICE}], gateways: [gateway] }]
suppliers:
${(two ? ["supplier", "second"] : ["supplier"]).map(staked).join("")}`;

const staked = (name: string) => `
  - name: ${name}
    stake: 2000000000
    services: [{ id: ${SERVICE}, endpoints: [{ url: "http://127.0.0.1:1", rpc_type: JSON_RPC }] }]
`;

type Actor = { readonly address: string; readonly privateKey: Uint8Array; readonly publicKey: Uint8Array };

export type Network = {
  readonly redis: RedisServer;
  readonly devnet: Devnet;
  readonly chain: OpenChainClient;
  readonly relayer: Relayer;
  readonly url: string;
  readonly keysFile: string;
  readonly configFile: string;
  readonly namespace: Namespace;
  readonly supplier: Actor;
  /** Staked with the option `two` only. */
  readonly second: Actor;
  readonly application: Actor;
  readonly gateway: Actor;
  /** Staked, and not delegated to. */
  readonly newcomer: Actor;
  /** Requests that the backend got, messages of WebSockets included. */
  backendCalls(): number;
  /** What the backend does from now on, instead of answering a result. */
  setBackend(listener: RequestListener): void;
  /** The running session's header. */
  header(): Promise<SessionHeader>;
  /** A relay that the relayer accepts, signed by the application's gateway or by `signer`. */
  sign(header: SessionHeader, body: string | Uint8Array, how?: SignedHow): RelayRequest;
  /** One more relayer on the same Redis, chain and backend, with settings of its own; closed with the network. Its URL. */
  another(settings?: Readonly<Record<string, unknown>>): Promise<string>;
  close(): Promise<void>;
};

type SignedHow = {
  readonly signer?: Actor;
  readonly supplier?: Actor;
  /** Of the inner request. */
  readonly method?: string;
  readonly path?: string;
  readonly contentType?: string;
  readonly headers?: readonly (readonly [string, string])[];
};

function actor(name: string): Actor {
  const { address, privateKey, publicKey } = identityOf({ name }, SEED);
  if (privateKey === undefined || publicKey === undefined) throw new Error(`${name} has no key`);
  return { address, privateKey, publicKey };
}

const ANSWER: RequestListener = (_, response) => response.end('{"jsonrpc":"2.0","id":1,"result":"0x1"}');

/** A chain, a Redis, a backend and one relayer, all in this process but Redis; real sockets between them. */
export async function startNetwork(
  mode: "eager" | "optimistic",
  options: NetworkOptions = {},
): Promise<Network> {
  const directory = mkdtempSync(join(tmpdir(), "relayminer-network-"));
  const [supplier, application, gateway] = [actor("supplier"), actor("application"), actor("gateway")];
  const redis = await startRedis();
  const devnet = await startDevnet({ genesis: genesis(options), log: quiet });
  let calls = 0;
  let answer = ANSWER;
  const backend = await listen(
    createServer((request, response) => {
      calls += 1;
      request.resume().on("end", () => answer(request, response));
    }),
  );
  if (options.webSocket === true) answerSockets(backend, () => (calls += 1));
  const keysFile = join(directory, "keys.yaml");
  const second = actor("second");
  const held = [
    supplier,
    ...(options.two === true ? [second] : []),
    ...(options.holdsNewcomer === true ? [actor("newcomer")] : []),
  ];
  const keys = held.map(({ privateKey }) => toHex(privateKey));
  writeFileSync(keysFile, JSON.stringify({ keys }), { mode: 0o600 });
  const configFile = join(directory, "relayer.yaml");
  const node = (await options.chainProxy?.(devnet.rpcUrl)) ?? devnet.rpcUrl;
  const backends = {
    jsonrpc: { url: `http://127.0.0.1:${portOf(backend)}` },
    ...(options.webSocket === true && { websocket: { url: `ws://127.0.0.1:${portOf(backend)}` } }),
  };
  const yaml = {
    listen_addr: "127.0.0.1:0",
    redis: { url: redis.url, namespace: options.namespace ?? {} },
    pocket_node: {
      query_node_rpc_url: node,
      chain_id: "kit",
      query_timeout_seconds: options.queryTimeoutSeconds ?? 2,
    },
    keys: { keys_file: keysFile },
    default_validation_mode: mode,
    metrics: { enabled: false },
    health_check: { enabled: false },
    // A worker runs what `npm run build` made; a relayer in a process of its own has them (relayer-process.ts).
    relay: { verify_workers: 0, drain: { delay: "0s" } },
    services: { [SERVICE]: { backends, ...options.service } },
    ...options.relayer,
  };
  writeFileSync(configFile, JSON.stringify(yaml));
  const { config } = loadRelayerConfig(configFile);
  const relayers: Relayer[] = [];
  const start = async (file: string) => {
    const { config: given } = loadRelayerConfig(file);
    const started = await startRelayer({
      config: given,
      reread: () => loadRelayerConfig(file).config,
      version: "test",
      logger: quiet,
      clock: systemClock,
      spoolDirectories: spoolDirectories(given.relay.spool, configFile, directory),
    });
    relayers.push(started);
    return started;
  };
  const relayer = await start(configFile);
  const chain = openChainClient({
    urls: [devnet.rpcUrl],
    timeoutMs: 5_000,
    logger: quiet,
    clock: systemClock,
  });
  return {
    redis,
    devnet,
    chain,
    relayer,
    url: `http://127.0.0.1:${relayer.port}`,
    keysFile,
    configFile,
    namespace: config.redis.namespace,
    supplier,
    second,
    application,
    gateway,
    newcomer: actor("newcomer"),
    backendCalls: () => calls,
    setBackend: (listener) => {
      answer = listener;
    },
    header: async () => {
      const { latestHeight } = await chain.status();
      const of = {
        applicationAddress: application.address,
        serviceId: SERVICE,
        blockHeight: latestHeight - 1n,
      };
      const { header } = await session(chain, of);
      if (header === undefined) throw new Error("the session has no header");
      return header;
    },
    sign: (
      header,
      body,
      {
        signer = gateway,
        supplier: asked = supplier,
        method = "POST",
        path = "/",
        contentType = "application/json",
        headers = [],
      } = {},
    ) => {
      const payload = PoktHttpRequest.encode({
        method,
        header: headerMap([["Content-Type", contentType], ...headers]),
        url: `http://anything${path}`,
        bodyBz: typeof body === "string" ? new TextEncoder().encode(body) : body,
      });
      const meta = {
        sessionHeader: header,
        signature: new Uint8Array(),
        supplierOperatorAddress: asked.address,
      };
      const publicKeys = [application.publicKey, signer.publicKey];
      const digest = requestDigest({ meta, payload });
      const signature = signRing({ publicKeys, signerIndex: 1, privateKey: signer.privateKey, digest });
      return { meta: { ...meta, signature }, payload };
    },
    another: async (settings = {}) => {
      const instance_id = `another-${relayers.length}`;
      const relay = { ...yaml.relay, ...asMap(settings["relay"]), instance_id };
      const file = `${configFile}.${instance_id}`;
      writeFileSync(file, JSON.stringify({ ...yaml, ...settings, relay }));
      return `http://127.0.0.1:${(await start(file)).port}`;
    },
    close: async () => {
      for (const started of relayers) await started.close();
      await chain.close();
      await devnet.close();
      backend.closeAllConnections();
      await new Promise((resolve) => backend.close(resolve));
      await redis.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const asMap = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" ? { ...value } : {};

async function listen(server: Server): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;
