import type { Claim, Proof } from "../../../chain/proto/proof.ts";
import { QUERIES } from "../../../chain/proto/queries.ts";
import { HandlerError } from "../../context.ts";
import { claimKey } from "../../keys.ts";
import type { ChainState } from "../../state.ts";
import { sortable, type Table } from "../../table.ts";
import { handler, type QueryHandler } from "./answer.ts";
import { page } from "./paging.ts";

type Filter = {
  readonly supplierOperatorAddress: string | undefined;
  readonly sessionId: string | undefined;
  readonly sessionEndHeight: bigint | undefined;
};

type Found<V> = readonly (readonly [key: string, value: V])[];

const read = <V>(table: Table<V>, keys: readonly string[]): Found<V> =>
  keys.flatMap((key) => {
    const value = table.get(key);
    return value === undefined ? [] : [[key, value] as const];
  });

/**
 * Claims or proofs in store order: session id text, then supplier text. A session id filters as a prefix; by session end the index
 * decides, which may lead to a claim whose own end is another one (chain 3.2, 7.1).
 */
function matching<V extends Claim | Proof>(
  state: ChainState,
  table: Table<V>,
  { supplierOperatorAddress: supplier, sessionId, sessionEndHeight: end }: Filter,
): Found<V> {
  if (supplier !== undefined) return read(table, table.keys("", `/${supplier}`));
  if (sessionId !== undefined) return read(table, table.keys(sessionId));
  if (end === undefined) return read(table, table.keys());
  const prefix = `${sortable(end)}/`;
  return read(
    table,
    state.claimEnds.keys(prefix).map((key) => key.slice(prefix.length)),
  );
}

function one<V>(table: Table<V>, what: string, sessionId: string, supplier: string): V {
  const value = table.get(claimKey(sessionId, supplier));
  if (value === undefined)
    throw new HandlerError(
      "NotFound",
      `session ID "${sessionId}" and supplier "${supplier}": ${what} not found`,
    );
  return value;
}

/** Queries of claims and proofs, by path (chain 3.2). */
export const proofQueries = (): readonly (readonly [string, QueryHandler])[] => [
  [
    QUERIES.claim.path,
    handler(QUERIES.claim, (state, { sessionId, supplierOperatorAddress }) => ({
      claim: one(state.claims, "claim", sessionId, supplierOperatorAddress),
    })),
  ],
  [
    QUERIES.proof.path,
    handler(QUERIES.proof, (state, { sessionId, supplierOperatorAddress }) => ({
      proof: one(state.proofs, "proof", sessionId, supplierOperatorAddress),
    })),
  ],
  [
    QUERIES.allClaims.path,
    handler(QUERIES.allClaims, (state, { pagination: wanted, ...filter }) => {
      const { items, pagination } = page(matching(state, state.claims, filter), wanted);
      return { claims: items, pagination };
    }),
  ],
  [
    QUERIES.allProofs.path,
    handler(QUERIES.allProofs, (state, { pagination: wanted, ...filter }) => {
      const { items, pagination } = page(matching(state, state.proofs, filter), wanted);
      return { proofs: items, pagination };
    }),
  ],
];
