import { accountFromAny } from "@cosmjs/stargate";
import { AppError, toError } from "../../base/errors.ts";
import type { Application } from "../proto/application.ts";
import type { Claim, ProofParams } from "../proto/proof.ts";
import { QUERIES } from "../proto/queries.ts";
import type { RelayMiningDifficulty } from "../proto/service.ts";
import type { Session } from "../proto/session.ts";
import type { Service, SharedParams, Supplier } from "../proto/shared.ts";
import type { ChainClient } from "./types.ts";

type Client = Pick<ChainClient, "query">;

export type Account = {
  readonly address: string;
  readonly accountNumber: bigint;
  readonly sequence: bigint;
  /** 33 bytes; undefined until the account's first transaction, and for keys that are not secp256k1. */
  readonly publicKey: Uint8Array | undefined;
};

const CLAIMS_A_PAGE = 100n;

/** Shared params in force at `height`, or today's. For a future height the chain answers today's: never keep those (relay-path 1.10). */
export async function sharedParams(client: Client, height?: bigint): Promise<SharedParams> {
  if (height === undefined) {
    const { params } = await client.query(QUERIES.sharedParams, QUERIES.sharedParams.request.create());
    return given(params, "shared params");
  }
  const { params } = await client.query(QUERIES.sharedParamsAtHeight, { height });
  return given(params, "shared params");
}

/** Today's proof params; they have no history (chain 10). */
export async function proofParams(client: Client): Promise<ProofParams> {
  const { params } = await client.query(QUERIES.proofParams, QUERIES.proofParams.request.create());
  return given(params, "proof params");
}

type SessionOf = {
  readonly applicationAddress: string;
  readonly serviceId: string;
  readonly blockHeight: bigint;
};

/** The session that contains `blockHeight`. Everything that is wrong with it is CHAIN_REFUSED, never NOT_FOUND (chain 3.2). */
export async function session(client: Client, of: SessionOf): Promise<Session> {
  const answer = await client.query(QUERIES.getSession, of);
  return given(answer.session, "session");
}

/** Throws CHAIN_NOT_FOUND for an application that is not staked. */
export async function application(client: Client, address: string): Promise<Application> {
  const answer = await client.query(QUERIES.application, QUERIES.application.request.create({ address }));
  return given(answer.application, "application");
}

/** With its service history, which decides what it may serve. Throws CHAIN_NOT_FOUND for a supplier that is not staked. */
export async function supplier(client: Client, operatorAddress: string): Promise<Supplier> {
  const answer = await client.query(QUERIES.supplier, QUERIES.supplier.request.create({ operatorAddress }));
  return given(answer.supplier, "supplier");
}

/** Throws CHAIN_NOT_FOUND for an unknown service. */
export async function service(client: Client, id: string): Promise<Service> {
  const answer = await client.query(QUERIES.service, QUERIES.service.request.create({ id }));
  return given(answer.service, "service");
}

type ServiceAt = { readonly serviceId: string; readonly blockHeight: bigint };

/** Compute units a relay of the service costs at that height. Throws CHAIN_NOT_FOUND for an unknown service. */
export async function computeUnitsPerRelayAt(client: Client, at: ServiceAt): Promise<bigint> {
  return (await client.query(QUERIES.computeUnitsPerRelayAtHeight, at)).computeUnitsPerRelay;
}

/** The difficulty in force at that height, the base one before its first entry (relay-path 1.10). Throws CHAIN_NOT_FOUND for an unknown service. */
export async function difficultyAt(client: Client, at: ServiceAt): Promise<RelayMiningDifficulty> {
  const answer = await client.query(QUERIES.relayMiningDifficultyAtHeight, at);
  return given(answer.relayMiningDifficulty, "difficulty");
}

/** All claims of a supplier at one height, over as many pages as it takes. */
export async function claimsOf(
  client: Client,
  supplierOperatorAddress: string,
  height?: bigint,
): Promise<readonly Claim[]> {
  const claims: Claim[] = [];
  let key = new Uint8Array();
  for (;;) {
    const pagination = { key, offset: 0n, limit: CLAIMS_A_PAGE, countTotal: false, reverse: false };
    const request = QUERIES.allClaims.request.create({ pagination, supplierOperatorAddress });
    const answer = await client.query(QUERIES.allClaims, request, height);
    claims.push(...answer.claims);
    const next = answer.pagination?.nextKey ?? new Uint8Array();
    if (next.length === 0) return claims;
    key = new Uint8Array(next);
  }
}

/** Undefined for an address that never received anything. Module and vesting accounts answer too. */
export async function account(client: Client, address: string): Promise<Account | undefined> {
  const answer = await orUndefined(client.query(QUERIES.account, { address }));
  if (answer === undefined) return undefined;
  const any = given(answer.account, "account");
  try {
    const { pubkey, ...found } = accountFromAny({ typeUrl: any.typeUrl, value: any.value });
    const isSecp256k1 = pubkey?.type === "tendermint/PubKeySecp256k1";
    return {
      address: found.address,
      accountNumber: BigInt(found.accountNumber),
      sequence: BigInt(found.sequence),
      publicKey: isSecp256k1 ? new Uint8Array(Buffer.from(String(pubkey.value), "base64")) : undefined,
    };
  } catch (thrown) {
    const message = `the account cannot be read: ${toError(thrown).message}`;
    throw new AppError("CHAIN_BAD_ANSWER", message, { address, typeUrl: any.typeUrl }, thrown);
  }
}

function given<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new AppError("CHAIN_BAD_ANSWER", `the chain's answer has no ${what}`);
  return value;
}

async function orUndefined<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === "CHAIN_NOT_FOUND") return undefined;
    throw thrown;
  }
}
