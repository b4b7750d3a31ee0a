import type { Clock } from "../../../base/clock.ts";
import type { PasswordSource } from "../../keys/load-keys.ts";
import type { Relayer } from "../main.ts";
import {
  type FromWorker,
  type MetricsJson,
  type Question,
  type ToldReadiness,
  toWorker,
} from "./messages.ts";

const TELL_EVERY_MS = 250;

/** The end of the channel to the first process: `process`, as node:cluster has made it. */
export type Channel = {
  send?(message: FromWorker): unknown;
  on(event: "message", listener: (message: unknown) => void): unknown;
  on(event: "SIGTERM" | "SIGINT", listener: () => void): unknown;
};

/** What of a relayer a worker needs. */
type Served = Pick<
  Relayer,
  "port" | "isReady" | "readiness" | "registry" | "reload" | "drain" | "drainAsked"
>;

type Given = {
  /** Starts the relayer; `passwords`: those that the first process has. Gives undefined when `stop` ended a start that waited. */
  readonly start: (passwords: PasswordSource, stop: AbortSignal) => Promise<Served | undefined>;
  readonly environment: PasswordSource["environment"];
  readonly channel: Channel;
  readonly clock: Clock;
};

/**
 * Serves as one of several processes until it is told to drain: by the first process, by an operator's command, or by a SIGTERM of
 * its own, after which it is started again. A terminal's SIGINT is the first process's to hear. Resolves when all is done. Throws what
 * the start throws.
 */
export async function serveAsWorker({ start, environment, channel, clock }: Given): Promise<void> {
  const tell = (message: FromWorker) => void channel.send?.(message);
  const ended = new AbortController();
  const asked: { delayMs?: number | undefined } = {};
  const end = (delayMs: number | undefined) => {
    asked.delayMs = delayMs;
    ended.abort();
  };
  const started: { relayer?: Served } = {};
  // How it went is told in the log. What is asked for before it works is done when it does: its configuration may have been read before.
  const reload = () => starting.then((relayer) => relayer?.reload("SIGHUP")).catch(() => undefined);
  const passwords = remotePasswords(tell, environment);
  channel.on("SIGINT", () => undefined);
  channel.on("SIGTERM", () => end(undefined));
  channel.on("message", (message) => {
    const said = toWorker(message);
    if (said?.kind === "drain") end(said.delayMs);
    if (said?.kind === "password") passwords.given(said.password);
    if (said?.kind === "reload") void reload();
    if (said?.kind === "metrics" || said?.kind === "readiness") void answer(started.relayer, said, tell);
  });
  const starting = start(passwords.source, ended.signal);
  const relayer = await starting;
  if (relayer === undefined) return;
  started.relayer = relayer;
  relayer.drainAsked.addEventListener("abort", () => {
    tell({ kind: "drained" });
    end(undefined);
  });
  const told = { ready: undefined as boolean | undefined };
  while (!ended.signal.aborted) {
    const ready = relayer.isReady();
    if (ready !== told.ready) tell({ kind: "ready", ready, port: relayer.port });
    told.ready = ready;
    await clock.sleep(TELL_EVERY_MS, ended.signal);
  }
  tell({ kind: "ready", ready: false, port: relayer.port });
  await relayer.drain(asked.delayMs);
}

/** Passwords that are entered are asked of the first process, which asks once. */
function remotePasswords(tell: (message: FromWorker) => void, environment: PasswordSource["environment"]) {
  const waiting: ((password: string | undefined) => void)[] = [];
  const source: PasswordSource = {
    environment,
    ask: (question) =>
      new Promise((resolve) => {
        waiting.push(resolve);
        tell({ kind: "password", question });
      }),
  };
  return { source, given: (password: string | undefined) => waiting.shift()?.(password) };
}

async function answer(
  relayer: Served | undefined,
  question: Question,
  tell: (message: FromWorker) => void,
): Promise<void> {
  const { request } = question;
  if (question.kind === "readiness")
    return tell({ kind: "readiness", request, answer: readinessFor(relayer, question.service) });
  const metrics = (await relayer?.registry.getMetricsAsJSON()) ?? [];
  tell({ kind: "metrics", request, answer: metrics as unknown as MetricsJson });
}

const readinessFor = (relayer: Served | undefined, service: string): ToldReadiness =>
  relayer === undefined ? "starting" : (relayer.readiness(service) ?? "not served");
