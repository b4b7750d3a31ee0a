import cluster from "node:cluster";
import type { Clock } from "../../../base/clock.ts";
import { CloseStack } from "../../../base/close-stack.ts";
import type { Logger } from "../../../base/logger.ts";
import { hostAndPort } from "../../config/fields.ts";
import type { RelayerConfig } from "../../config/relayer.ts";
import type { PasswordSource } from "../../keys/load-keys.ts";
import { nodeOptions } from "../../ops/heap.ts";
import { healthRoutes, openOpsServer, readyRoute } from "../../ops/http-server.ts";
import type { LogLevel } from "../../ops/logger.ts";
import type { FromWorker, MetricsJson, Question, ToldReadiness } from "./messages.ts";
import { onePage, processMetrics } from "./metrics.ts";
import { Questions } from "./questions.ts";
import { readinessOfAll } from "./readiness.ts";
import { ProcessSlot } from "./slot.ts";

type Given = {
  readonly config: RelayerConfig;
  readonly count: number;
  /** The command line of process `number`. */
  readonly args: (number: number) => readonly string[];
  readonly passwords: PasswordSource;
  readonly setLogLevel: (level: LogLevel) => void;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends a start that is still under way. */
  readonly stop: AbortSignal;
};

export type Processes = {
  /** Resolves when every process has ended for good. */
  readonly ended: Promise<void>;
  /** All take configuration and keys anew; each tells in the log how it went. */
  reload(): void;
  /** All finish their work and end. */
  drain(delayMs: number | undefined): void;
};

/**
 * Starts so many relayer processes that share the relay port, and answers for their health and metrics. The first one shows whether the
 * configuration works: when it ends before it serves, so does this, with its exit code. Throws AppError LISTEN_FAILED.
 */
export async function startProcesses(given: Given): Promise<Processes | { readonly failed: number }> {
  const { config, count, logger } = given;
  const owned = new CloseStack();
  const { slots, known } = openSlots(given);
  try {
    await openListeners(config, known, owned);
    const giveUp = () => slots[0]?.drain(0);
    given.stop.addEventListener("abort", giveUp, { once: true });
    const first = await slots[0]?.begin();
    given.stop.removeEventListener("abort", giveUp);
    if (first === undefined || "code" in first) {
      await owned.close();
      return { failed: first?.code ?? 1 };
    }
    logger.info({ processes: count, port: first.port }, "relayer processes share the relay port");
  } catch (thrown) {
    for (const slot of slots) slot.kill();
    await owned.close();
    throw thrown;
  }
  const ended = Promise.all(slots.map((slot) => slot.supervise())).then(() => owned.close());
  return {
    ended,
    reload: () => {
      for (const slot of slots) slot.send({ kind: "reload" });
    },
    drain: (delayMs) => {
      for (const slot of slots) slot.drain(delayMs);
    },
  };
}

/** What the first process can tell of all of them. */
type Known = {
  readonly isReady: () => boolean;
  readonly page: () => Promise<string>;
  readonly readiness: (service: string) => Promise<{ readonly ready: boolean } | undefined>;
};

function openSlots({ count, args, clock, logger, passwords, setLogLevel }: Given) {
  // Each accepts for itself. Handed out by this process in turn, a connection whose process is killed before it took it hangs for ever.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  const fork = (number: number) => {
    cluster.setupPrimary({ args: [...args(number)], execArgv: nodeOptions() });
    return cluster.fork();
  };
  const metrics = processMetrics();
  const ready = new Set<number>();
  const pages = new Questions<MetricsJson>(clock);
  const readinesses = new Questions<ToldReadiness>(clock);
  const onMessage = (slot: ProcessSlot, message: FromWorker) => {
    const { number } = slot;
    if (message.kind === "metrics") pages.answered(number, message.request, message.answer);
    if (message.kind === "readiness") readinesses.answered(number, message.request, message.answer);
    if (message.kind === "log_level") setLogLevel(message.level);
    if (message.kind === "password") void answerPassword(slot, passwords, message.question);
    if (message.kind !== "ready") return;
    if (message.ready) ready.add(number);
    else ready.delete(number);
    metrics.serving.set(ready.size);
  };
  const onRestart = () => metrics.restarts.inc();
  const slots = Array.from(
    { length: count },
    (_, index) => new ProcessSlot({ number: index + 1, fork, clock, logger, onMessage, onRestart }),
  );
  const askAll = (question: Question) => slots.filter((slot) => slot.send(question)).length;
  const known: Known = {
    isReady: () => ready.size > 0,
    page: async () =>
      onePage(metrics.registry, await pages.ask((request) => askAll({ kind: "metrics", request }))),
    readiness: async (service) =>
      readinessOfAll(
        service,
        await readinesses.ask((request) => askAll({ kind: "readiness", request, service })),
      ),
  };
  return { slots, known };
}

async function answerPassword(slot: ProcessSlot, passwords: PasswordSource, question: string): Promise<void> {
  const password = await passwords.ask(question).catch(() => undefined);
  slot.send({ kind: "password", password });
}

async function openListeners(config: RelayerConfig, known: Known, owned: CloseStack): Promise<void> {
  const { metrics, health_check } = config;
  const page = async () => ({
    status: 200,
    type: "text/plain; version=0.0.4; charset=utf-8",
    body: await known.page(),
  });
  if (metrics.enabled)
    owned.own(
      await openOpsServer({
        name: "metrics",
        ...hostAndPort(metrics.addr),
        routes: [{ path: "/metrics", answer: page }],
      }),
    );
  if (health_check.enabled)
    owned.own(
      await openOpsServer({
        name: "health_check",
        ...hostAndPort(health_check.addr),
        routes: [...healthRoutes(known.isReady), readyRoute(known.readiness)],
      }),
    );
}
