import { session } from "../../src/chain/node/queries.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import type { Network } from "./network.ts";
import { until } from "./post.ts";

/** The chain's height and the relayer's. */
export const chainHeight = async (network: Network): Promise<bigint> =>
  (await network.chain.status()).latestHeight;

async function relayerHeight(url: string): Promise<bigint> {
  const health = (await (await fetch(`${url}/health`)).json()) as { block_height: number };
  return BigInt(health.block_height);
}

/** Makes blocks on a halted chain until it is at `height`, and waits until the relayer knows. */
export async function goTo(network: Network, height: bigint): Promise<void> {
  const blocks = Number(height - (await chainHeight(network)));
  if (blocks > 0) await network.devnet.control("jump", { blocks });
  await until(
    () => relayerHeight(network.url),
    (known) => known >= height,
  );
}

/** The running session's header as soon as most of the session is to come: room for all that a test does in it. */
export async function freshHeader(network: Network): Promise<SessionHeader> {
  const look = async () => ({ height: await chainHeight(network), header: await network.header() });
  const { header } = await until(
    look,
    ({ height, header: { sessionStartBlockHeight: start } }) => height - start <= 6n,
    30_000,
  );
  return header;
}

/** The header of the session that holds a height which the chain has reached. */
export async function headerAt(network: Network, blockHeight: bigint): Promise<SessionHeader> {
  const { header } = await session(network.chain, {
    applicationAddress: network.application.address,
    serviceId: "kit-svc",
    blockHeight,
  });
  if (header === undefined) throw new Error("the session has no header");
  return header;
}
