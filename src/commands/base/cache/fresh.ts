import type { ChainClient } from "../../../chain/node/types.ts";
import { differences, flatten } from "../../../runtime/cache/flatten.ts";
import type { Copy, Inspected } from "../../../runtime/cache/inspect.ts";
import { grouped, readable } from "./text.ts";

/** The one field of a kind that an operator looks for first. */
const HEADLINES: Readonly<Record<string, { readonly field: string; readonly name: string }>> = {
  application: { field: "stake", name: "stake" },
  supplier: { field: "stake", name: "stake" },
  service: { field: "computeUnitsPerRelay", name: "compute units per relay" },
  shared_params: { field: "numBlocksPerSession", name: "blocks per session" },
  session_params: { field: "numSuppliersPerSession", name: "suppliers per session" },
  proof_params: { field: "proofRequestProbability", name: "proof probability" },
};

const SHOWN = 4;

/** A copy in a few words: "stake 9 547.8 POKT", "absent", "unknown: …". */
export function copyInWords(kind: string, copy: Copy): string {
  if (copy.state === "absent") return "not there";
  if (copy.state === "problem") return `unknown: ${copy.problem}`;
  const headline = HEADLINES[kind];
  const value = headline && flatten(copy.value).get(headline.field);
  if (headline !== undefined && value !== undefined) return `${headline.name} ${readable(value)}`;
  return kind === "account" ? "public key" : "held";
}

/** What the chain says now against the copy that was deleted: "stake 9 547.8 POKT (was 9 998 POKT)". */
export function freshInWords({ kind }: Inspected, before: Copy | undefined, now: Copy): string {
  const words = copyInWords(kind, now);
  if (now.state !== "held" || before?.state !== "held") return words;
  const changed = differences(before.value, now.value);
  if (changed.length === 0) return `${words}, as before`;
  const headline = HEADLINES[kind]?.field;
  const told = changed.slice(0, SHOWN).map(({ field, shared, chain }) => {
    const name = field === headline ? HEADLINES[kind]?.name : field;
    const was = shared === undefined ? "not set" : readable(shared);
    return `${name ?? field} ${chain === undefined ? "not set" : readable(chain)} (was ${was})`;
  });
  const more = changed.length - told.length;
  return `${told.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** ", read at block 714 921", or "" when the chain did not say. */
export async function atBlock(client: Pick<ChainClient, "status">): Promise<string> {
  try {
    return `, read at block ${grouped((await client.status()).latestHeight)}`;
  } catch {
    return "";
  }
}
