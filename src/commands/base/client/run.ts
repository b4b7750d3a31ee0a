import { systemClock } from "../../../base/clock.ts";
import { AppError } from "../../../base/errors.ts";
import type { PayloadForm } from "../../../runtime/client/answer.ts";
import { runLoad } from "../../../runtime/client/load.ts";
import type { RelaySender } from "../../../runtime/client/sender.ts";
import type { SourcedRelay } from "../../../runtime/client/source.ts";
import { LoadTally } from "../../../runtime/client/tally.ts";
import { EXIT } from "../../../runtime/ops/error-table.ts";
import { grouped } from "../cache/text.ts";
import { bar, openScreen, type Screen } from "../localnet/screen.ts";
import { untilSignal } from "../signals.ts";
import { type LoadReport, reportJson, reportLines } from "./load-report.ts";
import type { Opened } from "./open.ts";
import { answerLines, problemOf, type Told, toldJson } from "./single.ts";
import { contentOf, latency } from "./words.ts";

export type LoadFlags = {
  readonly "load-test": boolean;
  readonly count: number;
  readonly concurrency: number;
  readonly rps: number;
  readonly presign: boolean;
};

type Job = {
  readonly opened: Opened;
  readonly sender: RelaySender;
  readonly form: PayloadForm;
  readonly kind: string;
  readonly flags: LoadFlags & { readonly verbose: boolean };
  readonly json: boolean;
  /** Bytes of an answer as stdout gets them; undefined: as they are. */
  readonly render?: (content: Uint8Array) => Uint8Array;
  /** The answer was written as it came. */
  readonly written?: () => boolean;
};

/** What a command gives back: JSON for --json, and the exit code. */
export type Done = { readonly json: unknown; readonly exit: number };

/** One relay, one for each supplier, or many, as the flags say. Throws the error of a single relay that is no success, unless it is told as JSON. */
export async function sendAsAsked(job: Job): Promise<Done> {
  const { flags, opened } = job;
  if (flags["load-test"] || flags.count > 1) return loadTest(job);
  const targets = opened.source.targets().length;
  return targets === 1 ? one(job) : each(job, targets);
}

async function told({ opened, sender, form }: Job, number: number): Promise<Told> {
  const relay = opened.source.relay(number);
  return { relay, outcome: await sender.send(relay, 0), form };
}

async function one(job: Job): Promise<Done> {
  const result = await told(job, 0);
  const problem = problemOf(result);
  if (!job.json) {
    for (const line of answerLines(result, job.flags.verbose)) process.stderr.write(`${line}\n`);
    if (job.written?.() !== true) writeContent(result, job.render);
    if (job.written?.() === false && result.outcome.kind === "answered")
      process.stderr.write(
        "▲ the answer came whole, not as a stream: the backend or the relayer does not stream it\n",
      );
    if (problem !== undefined) throw problem;
  }
  return { json: toldJson(result), exit: exitOf([result]) };
}

/** The answer itself, and nothing else, goes to stdout: it can be piped. */
function writeContent({ outcome, form }: Told, render: Job["render"]): void {
  if (outcome.kind === "failed") return;
  let last: number | undefined;
  for (const answer of outcome.answers) {
    const content = render?.(contentOf(answer, form)) ?? contentOf(answer, form);
    process.stdout.write(content);
    last = content.at(-1) ?? last;
  }
  if (last !== undefined && last !== NEW_LINE && process.stdout.isTTY) process.stdout.write("\n");
}

const NEW_LINE = 0x0a;

async function each(job: Job, targets: number): Promise<Done> {
  const results: Told[] = [];
  for (let number = 0; number < targets; number++) {
    const result = await told(job, number);
    results.push(result);
    if (!job.json) process.stdout.write(`${supplierLine(result)}\n`);
  }
  const good = results.filter((result) => problemOf(result) === undefined).length;
  if (!job.json) process.stderr.write(`${good} of ${targets} suppliers answered\n`);
  return { json: { ok: good === targets, suppliers: results.map(toldJson) }, exit: exitOf(results) };
}

function supplierLine(result: Told): string {
  const { relay, outcome } = result;
  const problem = problemOf(result);
  const supplier = `${relay.supplier.address}  ${relay.url}`;
  if (problem !== undefined) return `✖ ${supplier}  ${String(problem.fields["why"])}`;
  return `✔ ${supplier}  ${outcome.kind === "answered" ? latency(outcome.latencyMs) : ""}`;
}

/** 69 when nobody answered at all, 2 when something was wrong, 0 when all was good. */
function exitOf(results: readonly Told[]): number {
  const problems = results.map(problemOf).filter((problem) => problem !== undefined);
  if (problems.length === 0) return 0;
  const silent = problems.every(({ code }) => code === "RELAYER_UNREACHABLE" || code === "RELAYER_TIMEOUT");
  return silent && problems.length === results.length ? EXIT.unreachable : EXIT.foundProblems;
}

async function loadTest(job: Job): Promise<Done> {
  const { flags, opened, sender, form, kind, json } = job;
  const { count, concurrency, rps, presign } = flags;
  const { source } = opened;
  const screen = openScreen(process.stderr, systemClock);
  const tally = new LoadTally(form);
  const stop = new AbortController();
  void untilSignal().then(() => stop.abort());
  const urls = new Set<string>();
  const suppliers = new Set<string>();
  const signed = presign ? await presigned(job, screen, stop.signal) : undefined;
  let signedAgain = 0;
  const time = await runLoad<SourcedRelay>({
    plan: { count: signed?.length ?? count, concurrency, rps },
    clock: systemClock,
    signal: stop.signal,
    relay: (number) => {
      const ready = signed?.[number];
      if (ready !== undefined && source.isCurrent(ready)) return ready;
      if (ready !== undefined) signedAgain += 1;
      return source.relay(number);
    },
    send: (relay, worker) => sender.send(relay, worker),
    onOutcome: (relay, outcome) => {
      urls.add(relay.url);
      suppliers.add(relay.supplier.address);
      tally.count(relay, outcome);
      screen.live(() => progressText(tally, count));
    },
  });
  screen.clear();
  const report: LoadReport = {
    service: opened.service,
    kind,
    suppliers: suppliers.size,
    urls: [...urls],
    asked: count,
    concurrency,
    rps,
    presigned: presign,
    signedAgain,
    time,
    tally,
    interrupted: stop.signal.aborted,
  };
  if (!json) for (const line of reportLines(report)) process.stdout.write(`${line}\n`);
  return { json: reportJson(report), exit: loadExit(report) };
}

const progressText = (tally: LoadTally, count: number): string => {
  const done = tally.answered + tally.failed;
  return ` ${bar(done / count)}  ${grouped(done)} of ${grouped(count)} · ${grouped(tally.failed)} failed`;
};

const INTERRUPTED = 130;

function loadExit({ tally, interrupted }: LoadReport): number {
  if (interrupted) return INTERRUPTED;
  if (tally.failed + tally.inside === 0) return 0;
  const silent = tally.groups().every(({ kind }) => kind === "unreachable" || kind === "timeout");
  return tally.answered === 0 && silent ? EXIT.unreachable : EXIT.foundProblems;
}

const MAX_PRESIGNED = 100_000;

/** All relays, before the first is sent. Signing is work for this thread: now and then it looks up. */
async function presigned(
  { flags, opened }: Job,
  screen: Screen,
  signal: AbortSignal,
): Promise<SourcedRelay[]> {
  if (flags.count > MAX_PRESIGNED)
    throw new AppError("USAGE", `--presign holds at most ${grouped(MAX_PRESIGNED)} relays`, {
      why: `--count is ${grouped(flags.count)}`,
    });
  const relays: SourcedRelay[] = [];
  for (let number = 0; number < flags.count && !signal.aborted; number++) {
    relays.push(opened.source.relay(number));
    screen.live(() => ` ${bar(number / flags.count)}  ${grouped(number)} of ${grouped(flags.count)} signed`);
    if (number % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  screen.clear();
  return relays;
}

/** A flag that shows a private key is told, once. */
export function warnOfShownKeys(flags: readonly string[]): void {
  for (const flag of flags)
    process.stderr.write(
      `▲ ${flag} shows a private key to everybody who can list processes; use ${flag.replace("priv-key", "key-file")} or the environment\n`,
    );
}
