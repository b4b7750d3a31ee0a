import { equalBytes } from "../../base/bytes.ts";
import { computeUnitsPerRelayAt, difficultyAt, sharedParams } from "../../chain/node/queries.ts";
import type { ChainClient } from "../../chain/node/types.ts";
import type { RelayRequest, RelayResponse } from "../../chain/proto/service.ts";
import { BASE_TARGET, difficultyMultiplier, relayApplicable } from "../../chain/protocol/difficulty.ts";
import { claimedUpokt, type PriceParams } from "../../chain/protocol/pricing.ts";
import { mineRelay } from "../../chain/protocol/relay-hash.ts";

/** What the chain pays for relays of a session: all of it read on chain at the session's start, as the chain does at settlement. */
export type SessionPrice = {
  readonly computeUnitsPerRelay: bigint;
  readonly params: PriceParams;
  /** A relay counts when its hash is below it (relay-path 2.4). */
  readonly target: Uint8Array;
};

/** Throws the chain client's errors. */
export async function sessionPrice(
  client: Pick<ChainClient, "query">,
  serviceId: string,
  startHeight: bigint,
): Promise<SessionPrice> {
  const at = { serviceId, blockHeight: startHeight };
  const [computeUnitsPerRelay, params, difficulty] = await Promise.all([
    computeUnitsPerRelayAt(client, at),
    sharedParams(client, startHeight),
    difficultyAt(client, at),
  ]);
  return { computeUnitsPerRelay, params, target: difficulty.targetHash };
}

/** Whether a relay is a leaf of its supplier's claim: the client has all the bytes that decide it (relay-path 2.3, 2.4). */
export const isLeaf = (request: RelayRequest, response: RelayResponse, { target }: SessionPrice): boolean =>
  relayApplicable(mineRelay(request, response).relayHash, target);

/** Relays that one supplier answered in one session. `leaves` undefined: not known, as for streams, which are mined whole. */
export type Served = { readonly relays: number; readonly leaves: number | undefined };

export type ExpectedPay = {
  /** What the relays are worth in expectation, each at its full price: compute units · multiplier / granularity, before the caps at settlement. */
  readonly upokt: bigint;
  /** What a claim of just the leaves is worth; undefined when they are not known. */
  readonly claimUpokt: bigint | undefined;
};

/** Each claim is rounded down by itself (mining-path 9.1). */
export function expectedPay(served: readonly Served[], price: SessionPrice): ExpectedPay {
  const { computeUnitsPerRelay, params, target } = price;
  const worth = (relays: number, of: Uint8Array) =>
    claimedUpokt({ computeUnits: BigInt(relays) * computeUnitsPerRelay, target: of, params });
  const known = served.every(({ leaves }) => leaves !== undefined);
  const sum = (amounts: readonly bigint[]) => amounts.reduce((total, amount) => total + amount, 0n);
  return {
    upokt: sum(served.map(({ relays }) => worth(relays, BASE_TARGET))),
    claimUpokt: known ? sum(served.map(({ leaves }) => worth(leaves ?? 0, target))) : undefined,
  };
}

/** How many relays one leaf stands for; 1 at the base difficulty. For people: rounded. */
export function relaysPerLeaf({ target }: SessionPrice): number {
  const { numerator, denominator } = difficultyMultiplier(target);
  return Number((numerator * 1_000n) / denominator) / 1_000;
}

export const isBaseDifficulty = ({ target }: SessionPrice): boolean => equalBytes(target, BASE_TARGET);
