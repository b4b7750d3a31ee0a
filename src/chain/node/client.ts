import { fromHex } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import { AppError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { QUERIES, type Query } from "../proto/queries.ts";
import { txHash } from "../protocol/tx/build.ts";
import { readBlock, readBlockResults, readStatus, readTx } from "./answers.ts";
import { type Endpoint, Endpoints, HEIGHT_SLACK } from "./endpoints.ts";
import { abciRefusal, lacksHeight, mempoolCode, RPC_CODESPACE, refusalOf } from "./rpc-error.ts";
import type { BlockResults, BroadcastResult, ChainClient, ChainStatus, TxResult } from "./types.ts";

export type ChainClientOptions = {
  /** CometBFT RPC endpoints, in the order in which they are asked. */
  readonly urls: readonly string[];
  /** For one call to one endpoint. */
  readonly timeoutMs: number;
  readonly logger: Logger;
  readonly clock: Clock;
};

export type EndpointHealth = {
  readonly name: string;
  readonly height: bigint;
  readonly failures: number;
};

export type OpenChainClient = ChainClient & {
  /** What is known of each endpoint, in the configured order. */
  endpoints(): readonly EndpointHealth[];
  /** The hash of one block at every endpoint that gives it: two that differ are a fork or a lie. */
  blockHashes(height: bigint): Promise<readonly { readonly name: string; readonly hash: Uint8Array }[]>;
};

/** A chain client over one or more CometBFT RPC endpoints. Nothing is sent before the first call. Throws CONFIG_INVALID for a bad URL. */
export function openChainClient(options: ChainClientOptions): OpenChainClient {
  const endpoints = new Endpoints(options);
  const query = makeQuery(endpoints);
  return {
    query,
    status: () => status(endpoints),
    block: (height) =>
      endpoints.read(async (endpoint) => {
        const block = readBlock(
          await (height === undefined ? endpoint.comet.block() : endpoint.comet.block(Number(height))),
        );
        if (height === undefined) endpoints.saw(endpoint, block.height);
        return block;
      }),
    blockResults: (height) => endpoints.read((endpoint) => blockResults(endpoint, height)),
    broadcast: (tx) => broadcast(endpoints, tx),
    tx: (hash) => endpoints.read((endpoint) => findTx(endpoint, hash)),
    simulate: async (tx) => {
      const answer = await query(QUERIES.simulate, QUERIES.simulate.request.create({ txBytes: tx })).catch(
        asTxRefusal,
      );
      return { gasUsed: answer.gasInfo?.gasUsed ?? 0n };
    },
    close: () => endpoints.close(),
    endpoints: () => endpoints.all.map(({ name, height, failures }) => ({ name, height, failures })),
    blockHashes: (height) => blockHashes(endpoints, height),
  };
}

function makeQuery(endpoints: Endpoints): ChainClient["query"] {
  return async <Req, Res>(query: Query<Req, Res>, request: Req, height?: bigint): Promise<Res> => {
    const at = height === undefined ? {} : { height: Number(height) };
    const params = { path: query.path, data: query.request.encode(request), ...at };
    let stale: { readonly value: Res; readonly height: bigint } | undefined;
    const ask = async (endpoint: Endpoint): Promise<Res> => {
      const {
        code = 0,
        codespace,
        log = "",
        value,
        height: answered,
      } = await endpoint.comet.abciQuery(params);
      const fields = { path: query.path, height };
      if (code !== 0) throw abciRefusal({ code, codespace, log }, fields);
      const answer = query.response.decode(value);
      const seen = BigInt(answered ?? 0);
      if (height !== undefined || seen === 0n || endpoints.saw(endpoint, seen)) return answer;
      if (stale === undefined || seen > stale.height) stale = { value: answer, height: seen };
      throw abciRefusal({ code: 26, codespace: "sdk", log: "this endpoint is behind the others" }, fields);
    };
    try {
      return await endpoints.read(ask);
    } catch (thrown) {
      if (stale !== undefined && lacksHeight(thrown)) return stale.value;
      throw thrown;
    }
  };
}

/** With several endpoints all that are not avoided are asked at once: this is where their heights are compared. */
async function status(endpoints: Endpoints): Promise<ChainStatus> {
  const ask = async (endpoint: Endpoint) => {
    const answer = readStatus(await endpoint.rpc.call("status"));
    endpoint.height = answer.latestHeight;
    return answer;
  };
  const usable = endpoints.usable();
  if (usable.length < 2) return endpoints.read(ask);
  const answers = await Promise.all(
    usable.map(async (endpoint) => ({
      endpoint,
      answer: await endpoints.attempt(endpoint, ask).catch(() => undefined),
    })),
  );
  const best = endpoints.bestHeight;
  for (const { endpoint, answer } of answers)
    if (answer && (answer.catchingUp || answer.latestHeight + HEIGHT_SLACK < best)) endpoints.avoid(endpoint);
  const healthy = answers.find(
    ({ answer }) => answer && !answer.catchingUp && answer.latestHeight + HEIGHT_SLACK >= best,
  );
  return healthy?.answer ?? answers.find(({ answer }) => answer)?.answer ?? endpoints.read(ask);
}

async function blockResults({ comet }: Endpoint, height: bigint): Promise<BlockResults> {
  const answer = await comet.blockResults(Number(height));
  if (answer.results.length === 0) return readBlockResults(answer, []);
  const { block } = await comet.block(Number(height));
  return readBlockResults(answer, block.txs);
}

/**
 * The same bytes may go to several nodes: an unordered transaction counts once by its timestamp. One pass, no second round, because the
 * caller decides what an unanswered broadcast means.
 */
async function broadcast(endpoints: Endpoints, tx: Uint8Array): Promise<BroadcastResult> {
  const hash = txHash(tx);
  const outcome = await endpoints.pass(async ({ comet }): Promise<BroadcastResult> => {
    try {
      const { code, codespace, log } = await comet.broadcastTxSync({ tx });
      return { hash, code, codespace: codespace ?? "", log: log ?? "" };
    } catch (thrown) {
      const refusal = mempoolCode(thrown);
      if (refusal) return { hash, ...refusal };
      throw thrown;
    }
  });
  if ("value" in outcome) return outcome.value;
  throw outcome.failure;
}

async function findTx({ comet }: Endpoint, hash: string): Promise<TxResult | undefined> {
  try {
    return readTx(await comet.tx({ hash: fromHex(hash) }));
  } catch (thrown) {
    const refusal = refusalOf(thrown);
    if (refusal?.codespace === RPC_CODESPACE && refusal.log === `tx (${hash.toUpperCase()}) not found`)
      return undefined;
    throw thrown;
  }
}

/** A simulation that the chain refused names the message at fault, where the text does (chain 4.3, 4.4). */
function asTxRefusal(thrown: unknown): never {
  const refusal = refusalOf(thrown);
  if (refusal === undefined || refusal.codespace === RPC_CODESPACE) throw thrown;
  const index = /message index: (\d+)/.exec(refusal.log)?.[1];
  const fields = index === undefined ? refusal : { ...refusal, messageIndex: Number(index) };
  throw new AppError("CHAIN_TX_REFUSED", `the transaction would fail: ${refusal.log}`, fields, thrown);
}

async function blockHashes(endpoints: Endpoints, height: bigint) {
  const answers = await Promise.all(
    endpoints.all.map(async (endpoint) => {
      const ask = async ({ comet }: Endpoint) => readBlock(await comet.block(Number(height)));
      const block = await endpoints.attempt(endpoint, ask).catch(() => undefined);
      return block && { name: endpoint.name, hash: block.hash };
    }),
  );
  return answers.filter((answer) => answer !== undefined);
}
