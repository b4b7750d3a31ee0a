import { toHex } from "../../../base/bytes.ts";
import { AppError } from "../../../base/errors.ts";
import { relayCost } from "../../../chain/protocol/pricing.ts";
import { mineRelay } from "../../../chain/protocol/relay-hash.ts";
import type { Answer, PayloadForm } from "../../../runtime/client/answer.ts";
import { insideProblem } from "../../../runtime/client/inside.ts";
import type { Failure, Outcome } from "../../../runtime/client/outcome.ts";
import { isLeaf } from "../../../runtime/client/price.ts";
import type { SourcedRelay } from "../../../runtime/client/source.ts";
import { grouped } from "../cache/text.ts";
import { contentOf, counted, latency, leafWords, money, shortId, textOrHex } from "./words.ts";

/** What came of one relay, as a user reads it. */
export type Told = {
  readonly relay: SourcedRelay;
  readonly outcome: Outcome;
  readonly form: PayloadForm;
};

/** The error that ends the command when the relay is no success; undefined for a good one. */
export function problemOf({ relay, outcome, form }: Told): AppError | undefined {
  if (outcome.kind === "failed") return failureError(outcome.failure, relay);
  const inside = insideProblem(outcome.answers, form);
  if (inside === undefined) return undefined;
  return new AppError("RELAY_ERROR_INSIDE", "The relay was answered, with an error inside", {
    why: `${inside}; the supplier's signature is valid`,
  });
}

export function failureError({ kind, reason }: Failure, { url, supplier }: SourcedRelay): AppError {
  const why = `${reason} (${url}, supplier ${supplier.address})`;
  switch (kind) {
    case "unreachable":
      return new AppError("RELAYER_UNREACHABLE", `The relayer cannot be reached at ${url}`, { why: reason });
    case "broken_off":
      return new AppError("RELAY_BROKEN_OFF", "The answer began and broke off before its end", { why });
    case "timeout":
      return new AppError("RELAYER_TIMEOUT", `The relayer at ${url} gave no answer in time`, { why: reason });
    case "refused":
      return new AppError("RELAY_REFUSED", "The relayer refused the relay", { why });
    case "bad_answer":
      return new AppError("RELAY_BAD_ANSWER", "The answer cannot be trusted", { why });
  }
}

/** What is said of a good answer on stderr: one line, and more when that is wanted. */
export function answerLines({ relay, outcome, form }: Told, verbose: boolean): string[] {
  if (outcome.kind === "failed") return [];
  const [first] = outcome.answers;
  if (first === undefined) return [];
  const { supplier } = relay;
  const streamed = outcome.firstMs === undefined ? "" : streamWords(outcome.answers, outcome.firstMs);
  const lines = [
    `✔ answered in ${latency(outcome.latencyMs)}${streamed}, signed by supplier ${shortId(supplier.address)}: signature valid`,
    ...worthLines(relay, first, outcome.firstMs !== undefined),
  ];
  return verbose ? [...lines, ...detailLines(relay, first, form)] : lines;
}

const streamWords = (answers: readonly Answer[], firstMs: number): string =>
  ` in ${grouped(answers.length)} ${answers.length === 1 ? "batch" : "batches"}, the first after ${latency(firstMs)}`;

function worthLines(relay: SourcedRelay, answer: Answer, streamed: boolean): string[] {
  const { price } = relay;
  if (price === undefined) return ["  worth      nothing: a simulated relay is not mined"];
  const { computeUnitsPerRelay, params } = price;
  const leaf = streamed ? "the whole stream is one relay" : leafWords(relay, answer);
  return [
    `  worth      ${counted(computeUnitsPerRelay, "compute unit")}, ${money(relayCost(computeUnitsPerRelay, params))} once claimed; ${leaf}`,
  ];
}

function detailLines(relay: SourcedRelay, { http, response }: Answer, form: PayloadForm): string[] {
  const { header, members, publicKeys } = relay.signers;
  const lines = [
    `  relayer    ${relay.url}`,
    `  supplier   ${relay.supplier.address}`,
    `  for        ${header.serviceId}, application ${header.applicationAddress}`,
    `  session    ${header.sessionId}, blocks ${header.sessionStartBlockHeight} to ${header.sessionEndBlockHeight}`,
    `  signed by  ${members.length} of the ring's ${publicKeys.length} members`,
    `  relay      ${toHex(mineRelay(relay.request, response).relayHash)}`,
  ];
  if (form === "raw" || http === undefined) return lines;
  const headers = [...http.header].flatMap(([name, { values }]) =>
    values.map((value) => `  < ${name}: ${value}`),
  );
  return [...lines, `  < ${http.statusCode}`, ...headers];
}

/** The same as JSON; amounts are texts, as they may exceed what JSON's numbers hold. */
export function toldJson({ relay, outcome, form }: Told) {
  const { header } = relay.signers;
  const asked = {
    service: header.serviceId,
    application: header.applicationAddress,
    supplier: relay.supplier.address,
    relayer_url: relay.url,
    session: {
      id: header.sessionId,
      start: Number(header.sessionStartBlockHeight),
      end: Number(header.sessionEndBlockHeight),
    },
  };
  if (outcome.kind === "failed") {
    const { kind, reason, status } = outcome.failure;
    return { ok: false, ...asked, failure: { kind, reason, status: status ?? null } };
  }
  const inside = insideProblem(outcome.answers, form);
  return {
    ok: inside === undefined,
    ...asked,
    latency_ms: rounded(outcome.latencyMs),
    ...(outcome.firstMs === undefined ? {} : { first_batch_ms: rounded(outcome.firstMs) }),
    signature_valid: true,
    ...(inside === undefined ? {} : { failure: { kind: "inside", reason: inside, status: null } }),
    answers: outcome.answers.map((answer) => answerJson(answer, form)),
    ...payJson(relay, outcome.answers, outcome.firstMs !== undefined),
  };
}

function answerJson(answer: Answer, form: PayloadForm) {
  const content = textOrHex(contentOf(answer, form));
  if (answer.http === undefined) return content;
  const { statusCode, header } = answer.http;
  const headers = Object.fromEntries([...header].map(([name, { values }]) => [name, values.join(", ")]));
  return { status: statusCode, headers, ...content };
}

function payJson(relay: SourcedRelay, [answer]: readonly Answer[], streamed: boolean) {
  const { price, request } = relay;
  if (price === undefined || answer === undefined) return { simulated: true };
  return {
    relay_hash: streamed ? null : toHex(mineRelay(request, answer.response).relayHash),
    compute_units: price.computeUnitsPerRelay.toString(),
    expected_upokt: relayCost(price.computeUnitsPerRelay, price.params).toString(),
    difficulty_target: toHex(price.target),
    leaf: streamed ? null : isLeaf(request, answer.response, price),
  };
}

export const rounded = (ms: number): number => Math.round(ms * 100) / 100;
