import { setMaxListeners } from "node:events";
import type { Clock } from "../../../base/clock.ts";
import { CloseStack } from "../../../base/close-stack.ts";
import { AppError, toError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import { defaultRedisSection } from "../../../runtime/config/redis.ts";
import { openRedis } from "../../../runtime/redis/connect.ts";
import { redisKeys } from "../../../runtime/redis/keys.ts";
import { openSessions } from "../../../runtime/redis/sessions.ts";
import { LOCALNET_FILE } from "../localnet-dir.ts";
import { ChainFacts } from "./chain-facts.ts";
import { DemoClient } from "./demo-relay.ts";
import { type Directory, openDirectory } from "./directory.ts";
import { openFileLogger } from "./file-logger.ts";
import { keepSending, type Load, sendRelays } from "./load.ts";
import { localnetFile } from "./localnet-file.ts";
import { type Network, startNetwork } from "./network.ts";
import { type Plan, planLocalnet } from "./plan.ts";
import type { Running } from "./processes.ts";
import { Progress } from "./progress.ts";
import { counted, equation, imbalances, type Row, type Totals, table, totalsOf } from "./report.ts";
import type { Screen } from "./screen.ts";
import { SessionNews } from "./session-news.ts";
import type { LocalnetSettings } from "./settings.ts";
import { rowsOf, untilSettled } from "./settle.ts";
import { Tally } from "./tally.ts";

/** What the main job came to. */
export type Report = {
  readonly totals: Totals;
  readonly rows: readonly Row[];
  /** Where the equation does not hold; empty: it holds. */
  readonly problems: readonly string[];
  readonly services: number;
  readonly sessions: number;
  readonly seconds: number;
};

type Options = {
  readonly settings: LocalnetSettings;
  readonly screen: Screen;
  readonly clock: Clock;
  /** Aborts when the user wants out. */
  readonly interrupt: AbortSignal;
  readonly onReport: (report: Report) => void;
};

type Parts = Options & {
  readonly plan: Plan;
  readonly directory: Directory;
  readonly logger: Logger;
  readonly owned: CloseStack;
  readonly stop: AbortController;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
};

/**
 * The main job: a whole network on this machine, relays through it, and the count of what became of each. Everything is gone when this
 * resolves: processes, ports, sockets. Answers whether it ran to its end, which it does not after an interrupt.
 * Throws AppError LOCALNET_UNBALANCED when the equation does not hold, LOCALNET_FAILED, REDIS_SERVER_MISSING, LISTEN_FAILED.
 */
export async function runLocalnet(options: Options): Promise<"finished" | "interrupted"> {
  const { settings, clock, screen, interrupt } = options;
  const owned = new CloseStack();
  const stop = new AbortController();
  // Every relay that waits to be sent again listens to it.
  setMaxListeners(0, stop.signal);
  const onInterrupt = () => stop.abort(INTERRUPTED);
  interrupt.addEventListener("abort", onInterrupt, { once: true });
  try {
    const directory = owned.own(openDirectory(settings.directory));
    const logger = owned.own(openFileLogger(`${directory.logs}/localnet.log`, clock));
    const plan = planLocalnet(settings);
    const parts: Parts = { ...options, plan, directory, logger, owned, stop, startedAt: clock.monotonic() };
    const report = await demonstrate(parts);
    if (report.problems.length > 0) throw unbalanced(report, directory);
    return "finished";
  } catch (thrown) {
    if (thrown !== INTERRUPTED) throw thrown;
    return "interrupted";
  } finally {
    interrupt.removeEventListener("abort", onInterrupt);
    stop.abort(INTERRUPTED);
    screen.line(" stopping");
    await owned.close();
  }
}

const INTERRUPTED = new Error("interrupted");

/** Network up, main job done, and then, if that is wanted, the network kept up whatever the main job came to. */
async function demonstrate(parts: Parts): Promise<Report> {
  const { settings, screen, stop } = parts;
  screen.line(
    `relayminer localnet · ${counted(settings.sessions, "session")} · ${counted(settings.relays, "relay")} · seed ${settings.seed}`,
  );
  const network = await bringUp(parts);
  const job = mainJob(parts, network);
  if (!settings.keep) return job;
  try {
    await job;
  } catch (thrown) {
    if (stop.signal.aborted) throw thrown;
    screen.line(` ✖ ${toError(thrown).message}`);
  }
  await stayUp(parts, network);
  return job;
}

async function mainJob(parts: Parts, network: Network): Promise<Report> {
  const { settings, screen, clock, plan, directory, logger, owned, stop } = parts;
  const { chain, blocks, params } = network;
  const redis = owned.own(await openRedis({ url: network.redis.url, logger, role: "localnet" }));
  const keys = redisKeys(defaultRedisSection().namespace);
  const records = openSessions({ redis: redis.commands, keys, clock, keepTerminalMs: 0 });
  const facts = new ChainFacts(chain, logger);
  owned.own({ close: blocks.onBlock((block) => facts.onBlock(block)) });
  const tally = new Tally();
  const news = new SessionNews({ tally, facts, params });
  const progress = new Progress({ clock, tally, ...settings, height: () => facts.height });
  const onProgress = () => {
    for (const line of news.lines()) screen.line(line);
    screen.live(() => progress.text());
  };
  const load = openLoad(parts, network, {
    onProgress,
    onSession: ({ number, start }, ordinal) => {
      progress.session = ordinal;
      screen.line(` · session ${number} begins at block ${start}: relays are sent`);
    },
  });
  await sendRelays(load, tally, settings);
  const watched = { plan, tally, facts, records, params, blocks, clock, signal: stop.signal, onProgress };
  await untilSettled(watched);
  const report = reportOf(await rowsOf(watched), (clock.monotonic() - parts.startedAt) / 1000);
  show(report, tally, parts, directory);
  parts.onReport(report);
  return report;
}

async function bringUp(parts: Parts): Promise<Network> {
  const { settings, screen, plan, directory, stop } = parts;
  let network: Network | undefined;
  const announce = () => {
    if (network === undefined) return;
    directory.write(
      LOCALNET_FILE,
      `${JSON.stringify(localnetFile({ settings, plan, directory, network }), null, 2)}\n`,
    );
  };
  network = await startNetwork({
    ...parts,
    signal: stop.signal,
    onUp: (what) => screen.done(what),
    onEnd: (running, how) => ended(parts, running, how),
    onAgain: ({ name, pid }) => {
      screen.line(` ✔ ${name} started again, pid ${pid}`);
      announce();
    },
  });
  announce();
  return network;
}

/** The main job cannot go on without one of its processes; a network that stays up for its user's experiments can. */
function ended({ settings, screen, stop }: Parts, { name, logFile }: Running, how: string): void {
  if (settings.keep || settings.restart) screen.line(` ✖ ${name} ${how}`);
  else
    stop.abort(
      new AppError("LOCALNET_FAILED", `${name} ${how}`, {
        why: "nobody stopped it",
        todo: `Read ${logFile}.`,
      }),
    );
}

function openLoad(
  { settings, plan, clock, stop, owned }: Parts,
  network: Network,
  told: Pick<Load, "onSession" | "onProgress">,
): Load {
  const { chain, params, blocks, ports } = network;
  const client = owned.own(new DemoClient(clock));
  const relayerUrl = `http://127.0.0.1:${ports.relay}`;
  const { signal } = stop;
  return { plan, seed: settings.seed, chain, params, blocks, client, relayerUrl, clock, signal, ...told };
}

function reportOf(rows: readonly Row[], seconds: number): Report {
  return {
    totals: totalsOf(rows),
    rows,
    problems: imbalances(rows),
    services: new Set(rows.map(({ service }) => service)).size,
    sessions: new Set(rows.map(({ sessionEnd }) => sessionEnd)).size,
    seconds,
  };
}

function show(report: Report, tally: Tally, { screen, settings }: Parts, directory: Directory): void {
  screen.line("");
  for (const line of table(report.rows)) screen.line(` ${line}`);
  screen.line("");
  screen.line(` ${equation(report.totals, report.problems.length === 0)}`);
  const { proofs_required, proofs_verified } = report.totals;
  const p99 = tally.latency(0.99);
  screen.line(
    ` ${counted(report.sessions, "session")}, ${counted(report.services, "service")}, proofs ${proofs_required} required, ${proofs_verified} verified · p99 ${p99 === undefined ? "—" : `${Math.ceil(p99)} ms`} · ${report.seconds.toFixed(1)} s in all`,
  );
  for (const [reason, times] of tally.refused) screen.line(` · ${times} × sent again or given up: ${reason}`);
  for (const problem of report.problems.slice(0, 12)) screen.line(` ✖ ${problem}`);
  if (!settings.keep)
    screen.line(` next: relayminer localnet --keep  ·  relayminer dashboard --localnet ${directory.root}`);
}

/** Runs on until the user wants out, with a little traffic if that is wanted. */
async function stayUp(parts: Parts, network: Network): Promise<void> {
  const { settings, screen, directory, logger, stop, clock } = parts;
  screen.line(` running on: ${directory.path(LOCALNET_FILE)} says where everything is · Ctrl-C ends it`);
  const load = openLoad(parts, network, { onSession: () => undefined, onProgress: () => undefined });
  while (!stop.signal.aborted) {
    try {
      if (settings.rps > 0) await keepSending(load, settings.rps, () => new Tally());
      else await clock.sleep(DAY_MS, stop.signal);
    } catch (thrown) {
      logger.warn({ error: toError(thrown).message }, "relays could not be sent");
      await clock.sleep(AGAIN_MS, stop.signal);
    }
  }
}

const AGAIN_MS = 1_000;
const DAY_MS = 86_400_000;

const unbalanced = ({ totals, problems }: Report, directory: Directory): AppError =>
  new AppError("LOCALNET_UNBALANCED", "answered = leaves = claimed = settled does not hold", {
    why: problems.slice(0, 6).join("\n"),
    todo: `Read the logs in ${directory.logs}.`,
    ...totals,
  });
