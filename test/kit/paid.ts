import { fromHex } from "../../src/base/bytes.ts";
import { systemClock } from "../../src/base/clock.ts";
import { openChainClient } from "../../src/chain/node/client.ts";
import { sharedParams } from "../../src/chain/node/queries.ts";
import { sessionWindows } from "../../src/chain/protocol/session-grid.ts";
import { ChainFacts } from "../../src/commands/base/localnet/chain-facts.ts";
import type { LocalnetFile } from "../../src/commands/base/localnet-dir.ts";
import { openLogger } from "../../src/runtime/ops/logger.ts";

/** A claim to look for: of one supplier in one session. */
export type SoughtClaim = {
  readonly supplier: string;
  readonly application: string;
  readonly service: string;
  /** First and last block of the session. */
  readonly start: number;
  readonly end: number;
};

/** What the chain of a localnet says that it paid for claims, in upokt and relays; waits until their settlement is due. */
export async function paidFor(file: LocalnetFile, claims: readonly SoughtClaim[]) {
  const logger = openLogger({ level: "error", format: "text", name: "paid" });
  const chain = openChainClient({ urls: [file.chain_rpc_url], timeoutMs: 5_000, logger, clock: systemClock });
  try {
    const facts = new ChainFacts(chain, logger);
    const params = await sharedParams(chain);
    const first = Math.min(...claims.map(({ start }) => start));
    const last = Number(sessionWindows(params, BigInt(Math.max(...claims.map(({ end }) => end)))).settle);
    for (let waited = 0; Number((await chain.status()).latestHeight) <= last && waited < 600; waited++)
      await systemClock.sleep(100);
    for (let height = first; height <= last; height++)
      facts.onBlock({ height: BigInt(height), hash: fromHex(""), timeMs: 0 });
    while (facts.height < BigInt(last)) await systemClock.sleep(20);
    return claims.map(({ supplier, application, service, end }) => {
      const { settled } = facts.of({ supplier, application, service, sessionEnd: BigInt(end) });
      return { relays: Number(settled?.relays ?? 0n), upokt: settled?.upokt ?? 0n };
    });
  } finally {
    await chain.close();
  }
}
