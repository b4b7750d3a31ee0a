import { toHex } from "../../../base/bytes.ts";
import type { Answer, PayloadForm } from "../../../runtime/client/answer.ts";
import { isBaseDifficulty, isLeaf, relaysPerLeaf, type SessionPrice } from "../../../runtime/client/price.ts";
import type { SourcedRelay } from "../../../runtime/client/source.ts";
import { grouped, readable } from "../cache/text.ts";

/** How the commands that send relays write what they found. */

/** 4 ms, 0.4 ms, 1.25 s */
export function latency(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(2)} s`;
  return ms >= 10 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;
}

/** 4 200 upokt (0.0042 POKT) */
export const money = (upokt: bigint): string => `${grouped(upokt)} upokt (${readable(`${upokt}upokt`)})`;

/** 42 upokt, or 21/2 where a compute unit is no whole number of them. */
export function unitPrice({ params }: SessionPrice): string {
  const { computeUnitsToTokensMultiplier: tokens, computeUnitCostGranularity: granularity } = params;
  if (granularity > 0n && tokens % granularity === 0n) return `${grouped(tokens / granularity)} upokt`;
  return `${grouped(tokens)}/${grouped(granularity)} upokt`;
}

/** Whether a relay becomes a leaf of the claim, and what that depends on. */
export function leafWords({ request, price }: SourcedRelay, { response }: Answer): string {
  if (price === undefined) return "simulated: nobody pays for it";
  if (isBaseDifficulty(price)) return "every relay of the service is a leaf";
  const stands = `one in ${relaysPerLeaf(price).toFixed(2)} is a leaf and stands for the others`;
  return isLeaf(request, response, price)
    ? `below the difficulty target: a leaf (${stands})`
    : `above the difficulty target: no leaf (${stands})`;
}

/** The bytes that the user asked for. */
export const contentOf = ({ http, response }: Answer, form: PayloadForm): Uint8Array =>
  form === "http" ? (http?.bodyBz ?? new Uint8Array()) : response.payload;

/** Text where it is text, hex where it is not. */
export function textOrHex(bytes: Uint8Array): { readonly text: string } | { readonly hex: string } {
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return { hex: toHex(bytes) };
  }
}

export const shortId = (text: string, keep = 8): string =>
  text.length <= 2 * keep ? text : `${text.slice(0, keep)}…${text.slice(-4)}`;

/** 1 relay, 2 relays, 1 000 relays. */
export const counted = (count: number | bigint, what: string): string =>
  `${grouped(count)} ${what}${count === 1 || count === 1n ? "" : "s"}`;
