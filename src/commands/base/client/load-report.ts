import { toHex } from "../../../base/bytes.ts";
import type { LoadTime } from "../../../runtime/client/load.ts";
import { isBaseDifficulty, relaysPerLeaf } from "../../../runtime/client/price.ts";
import type { LoadTally, SessionPay } from "../../../runtime/client/tally.ts";
import { grouped } from "../cache/text.ts";
import { rounded } from "./single.ts";
import { counted, latency, money, shortId, unitPrice } from "./words.ts";

export type LoadReport = {
  readonly service: string;
  readonly kind: string;
  readonly suppliers: number;
  readonly urls: readonly string[];
  readonly asked: number;
  readonly concurrency: number;
  readonly rps: number;
  readonly presigned: boolean;
  /** Of those signed before: relays whose session was over when they were due, and that were signed anew. */
  readonly signedAgain: number;
  readonly time: LoadTime;
  readonly tally: LoadTally;
  readonly interrupted: boolean;
};

/** The report of a load test for people. */
export function reportLines(report: LoadReport): string[] {
  const { service, kind, suppliers, urls, asked, time, tally } = report;
  const where = urls.length === 1 ? (urls[0] ?? "") : counted(urls.length, "relayer");
  const share = time.begun === 0 ? 0 : (tally.answered / time.begun) * 100;
  const rate = time.seconds > 0 ? tally.answered / time.seconds : 0;
  return [
    `${counted(asked, "relay")} · ${service} (${kind}) · ${counted(suppliers, "supplier")} · ${where}`,
    ` answered    ${grouped(tally.answered)} of ${grouped(time.begun)} (${share.toFixed(share === 100 ? 0 : 2)} %) in ${time.seconds.toFixed(2)} s: ${grouped(Math.round(rate))}/s, ${howWords(report)}`,
    ` signatures  ${grouped(tally.answered)} valid, ${grouped(wrongAnswers(tally))} wrong`,
    ...latencyLines(report),
    ...failureLines(tally),
    ...tally.pay().flatMap(payLines),
    ...totalLines(tally.pay()),
  ];
}

const howWords = ({ concurrency, rps, presigned, signedAgain, interrupted }: LoadReport): string =>
  [
    rps > 0 ? `${grouped(rps)}/s wanted` : `${grouped(concurrency)} at a time`,
    presigned ? "signed before" : "signed meanwhile",
    ...(signedAgain > 0 ? [`${grouped(signedAgain)} signed again for a new session`] : []),
    ...(interrupted ? ["interrupted"] : []),
  ].join(", ");

const wrongAnswers = (tally: LoadTally): number =>
  tally.groups().reduce((sum, { kind, times }) => (kind === "bad_answer" ? sum + times : sum), 0);

function latencyLines({ tally }: LoadReport): string[] {
  const found = tally.latencies.summary();
  if (found === undefined) return [" latency     —"];
  const { p50, p90, p95, p99, max } = found;
  return [
    ` latency     p50 ${latency(p50)} · p90 ${latency(p90)} · p95 ${latency(p95)} · p99 ${latency(p99)} · max ${latency(max)}`,
  ];
}

const KIND_WORDS = {
  unreachable: "no connection",
  broken_off: "answer broken off",
  timeout: "no answer in time",
  refused: "refused",
  bad_answer: "bad answer",
  inside: "answered, error inside",
} as const;

function failureLines(tally: LoadTally): string[] {
  const groups = tally.groups();
  if (groups.length === 0) return [" failed      none"];
  return groups.map(({ kind, reason, times }, index) => {
    const title = index === 0 ? " failed      " : "             ";
    const words = KIND_WORDS[kind];
    return `${title}${grouped(times)} × ${words}${reason === words ? "" : `: ${reason}`}`;
  });
}

function payLines({ header, price, relays, leaves, served, upokt, claimUpokt }: SessionPay): string[] {
  const units = price.computeUnitsPerRelay;
  const lines = [
    ` session     ${shortId(header.sessionId)}: ${grouped(relays)} × ${counted(units, "compute unit")} × ${unitPrice(price)} = ${money(upokt)}`,
  ];
  if (isBaseDifficulty(price)) return lines;
  const stands = `1 in ${relaysPerLeaf(price).toFixed(2)} relays is a leaf`;
  const found =
    leaves === undefined || claimUpokt === undefined
      ? stands
      : `${grouped(leaves)} below the target, ${grouped(relays - leaves)} above (${stands}); ${counted(served.length, "claim")} of them: ${money(claimUpokt)}`;
  return [...lines, `  difficulty ${found}`];
}

function totalLines(pay: readonly SessionPay[]): string[] {
  if (pay.length === 0) return [" expected    nothing: no relay that the chain pays"];
  const upokt = pay.reduce((sum, each) => sum + each.upokt, 0n);
  const base = pay.every(({ price }) => isBaseDifficulty(price));
  return [
    ` expected    ${money(upokt)} when all of it is claimed${base ? "; every relay is a leaf" : ", on average"}`,
  ];
}

/** The report as JSON; amounts are texts. */
export function reportJson(report: LoadReport) {
  const { service, kind, suppliers, urls, asked, concurrency, rps, presigned, time, tally, interrupted } =
    report;
  const found = tally.latencies.summary();
  const pay = tally.pay();
  return {
    ok: tally.failed + tally.inside === 0 && !interrupted,
    service,
    kind,
    suppliers,
    relayer_urls: urls,
    relays: asked,
    begun: time.begun,
    answered: tally.answered,
    errors_inside: tally.inside,
    failed: tally.failed,
    signatures: { valid: tally.answered, wrong: wrongAnswers(tally) },
    seconds: rounded(time.seconds),
    relays_per_second: time.seconds > 0 ? rounded(tally.answered / time.seconds) : 0,
    concurrency,
    rps,
    presigned,
    signed_again: report.signedAgain,
    interrupted,
    latency_ms: found && Object.fromEntries(Object.entries(found).map(([name, ms]) => [name, rounded(ms)])),
    failures: tally.groups(),
    expected_upokt: pay.reduce((sum, each) => sum + each.upokt, 0n).toString(),
    sessions: pay.map((each) => ({
      id: each.header.sessionId,
      application: each.header.applicationAddress,
      start: Number(each.header.sessionStartBlockHeight),
      end: Number(each.header.sessionEndBlockHeight),
      relays: each.relays,
      leaves: each.leaves ?? null,
      suppliers: each.served.map((one) => ({ ...one, leaves: one.leaves ?? null })),
      compute_units_per_relay: each.price.computeUnitsPerRelay.toString(),
      compute_units_to_tokens_multiplier: each.price.params.computeUnitsToTokensMultiplier.toString(),
      compute_unit_cost_granularity: each.price.params.computeUnitCostGranularity.toString(),
      difficulty_target: toHex(each.price.target),
      expected_upokt: each.upokt.toString(),
      claim_upokt: each.claimUpokt?.toString() ?? null,
    })),
  };
}
