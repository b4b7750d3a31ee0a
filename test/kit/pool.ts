import { Registry } from "prom-client";
import { utf8 } from "../../src/base/bytes.ts";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { CloseStack } from "../../src/base/close-stack.ts";
import { backend as backendSchema } from "../../src/runtime/config/backends.ts";
import { AnswerMemory } from "../../src/runtime/relayer/backends/answer-limits.ts";
import type { BackendAnswer } from "../../src/runtime/relayer/backends/backend.ts";
import type { Reach } from "../../src/runtime/relayer/backends/http-endpoint.ts";
import { backendMetrics } from "../../src/runtime/relayer/backends/metrics.ts";
import { openBackendPool } from "../../src/runtime/relayer/backends/open-pool.ts";
import { Presence } from "../../src/runtime/relayer/presence.ts";
import { toReject } from "../../src/runtime/relayer/rejects.ts";
import { quiet } from "./network.ts";

type How = {
  /** The backend's part of the YAML. */
  readonly yaml: Readonly<Record<string, unknown>>;
  readonly reach?: Partial<Reach>;
  readonly retryPercent?: number;
  readonly maxBytes?: number;
  /** Of all answers that are being read. */
  readonly memoryBytes?: number;
  readonly share?: number;
  /** What it reads; timers are real. */
  readonly monotonic?: Clock["monotonic"];
};

const MB = 1_048_576;
const REACH: Reach = {
  connections: 10,
  idleMs: 10_000,
  dialMs: 1_000,
  headersMs: 0,
  requestMs: 5_000,
  maxWaiting: 10,
  maxWaitMs: 2_000,
};

/** A backend of the relayer as it opens it from a configuration, without a relayer around it. */
export function poolOf({
  yaml,
  reach,
  retryPercent = 20,
  maxBytes = 10 * MB,
  memoryBytes,
  share = 1_000,
  monotonic = systemClock.monotonic,
}: How) {
  const owned = new CloseStack();
  const registry = new Registry();
  let shift = 0;
  const clock = { ...systemClock, monotonic: () => monotonic() + shift };
  const memory = new AnswerMemory(memoryBytes ?? 100 * MB);
  const pool = openBackendPool(
    {
      service: "eth",
      kind: "jsonrpc",
      backend: backendSchema().parse(yaml),
      reach: { ...REACH, ...reach },
      limits: { clock, maxBytes, memory },
      retryPercent,
      share,
      clock,
      random: Math.random,
      logger: quiet,
      metrics: backendMetrics(registry),
    },
    owned,
  );
  const ask = (path = "/", client = new Presence()): Promise<BackendAnswer> =>
    pool.ask({ method: "POST", url: `http://any${path}`, headers: {}, body: utf8("{}"), client });
  return {
    pool,
    memory,
    ask,
    /** An answer's status and text, or the reason of the refusal. */
    outcome: async (path?: string): Promise<string> => {
      try {
        const { status, body } = await ask(path);
        return `${status} ${Buffer.from(body.subarray(0, 40)).toString()}`;
      } catch (thrown) {
        return toReject(thrown).code;
      }
    },
    phases: () =>
      pool
        .states()
        .map(({ phase }) => phase)
        .join(),
    /** The sum of a counter over its labels, or of a histogram's observations. */
    metric: async (name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> => {
      const found = await registry.getSingleMetric(`ha_relayer_${name}`)?.get();
      if (found === undefined) throw new Error(`no metric ${name}`);
      return found.values
        .filter((value) => !("metricName" in value) || String(value.metricName).endsWith("_count"))
        .filter((value) =>
          Object.entries(labels).every(([key, wanted]) => Reflect.get(value.labels, key) === wanted),
        )
        .reduce((sum, { value }) => sum + value, 0);
    },
    /** From now on it is so much later; timers that are set stay. */
    later: (ms: number) => {
      shift += ms;
    },
    close: () => owned.close(),
  };
}
