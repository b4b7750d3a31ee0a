import type { Pool } from "undici";
import { utf8 } from "../../../base/bytes.ts";
import { type Clock, repeat } from "../../../base/clock.ts";
import type { Closable } from "../../../base/close-stack.ts";
import { toError } from "../../../base/errors.ts";
import type { BackendConfig } from "../../config/backends.ts";
import type { HealthCheckConfig } from "../../config/health-check.ts";
import { Presence } from "../presence.ts";
import { AnswerMemory } from "./answer-limits.ts";
import { type Ask, type Asked, askOf } from "./asking.ts";
import { ownHeaders } from "./headers.ts";
import { type Endpoint, targetPath } from "./target.ts";

/** Where the Go peer takes three failures in a row (go-peers 2.2). */
const FAILURES = 3;
/** A check that needs more of an answer checks something else. */
const MAX_BYTES = 1_048_576;

type Given = {
  readonly check: HealthCheckConfig;
  readonly backend: BackendConfig;
  readonly endpoint: Endpoint;
  /** Of its own: a check must not wait for the connections of relays. */
  readonly pool: Pool;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly onResult: (passed: boolean) => void;
  /** After so many results of one kind in a row that the endpoint counts as up or down. */
  readonly onVerdict: (verdict: "up" | "down", why: string) => void;
};

/**
 * Asks one endpoint again and again whether it is well (go-peers 1.9, B3). Relayers that start together do not ask together: the first
 * check comes somewhere within the interval, each later one up to a tenth of it earlier or later.
 */
export function keepChecking(given: Given): Closable {
  const { check, pool, clock, random } = given;
  const { interval_seconds = 1 } = check;
  const stop = new AbortController();
  const { signal } = stop;
  const series = new Series(check, given.onVerdict);
  const ask = askOfCheck(given);
  const turn = async () => {
    await clock.sleep(interval_seconds * 200 * random(), signal);
    if (signal.aborted) return;
    const problem = await problemOf(given, ask);
    if (signal.aborted) return;
    given.onResult(problem === undefined);
    series.add(problem);
  };
  const begun = clock.sleep(interval_seconds * 1000 * random(), signal);
  const onError = () => undefined;
  const ended = begun.then(() => repeat(clock, { everyMs: interval_seconds * 900, signal, onError }, turn));
  return {
    close: async () => {
      stop.abort();
      await pool.destroy();
      await ended;
    },
  };
}

/** Results in a row, and what they amount to. */
class Series {
  readonly #check: HealthCheckConfig;
  readonly #onVerdict: Given["onVerdict"];
  #verdict: "up" | "down" = "up";
  #against = 0;

  constructor(check: HealthCheckConfig, onVerdict: Given["onVerdict"]) {
    this.#check = check;
    this.#onVerdict = onVerdict;
  }

  /** `problem`: undefined when the check passed. */
  add(problem: string | undefined): void {
    const { healthy_threshold, unhealthy_threshold = FAILURES } = this.#check;
    const says = problem === undefined ? "up" : "down";
    if (says === this.#verdict) {
      this.#against = 0;
      return;
    }
    this.#against += 1;
    if (this.#against < (says === "up" ? healthy_threshold : unhealthy_threshold)) return;
    this.#verdict = says;
    this.#against = 0;
    this.#onVerdict(says, problem ?? "its checks pass");
  }
}

function askOfCheck({ check, backend, endpoint }: Given): Ask {
  const body = utf8(check.request_body ?? "");
  const headers: Record<string, string> = { "accept-encoding": "identity", ...ownHeaders(backend) };
  if (endpoint.authorization !== undefined) headers["authorization"] ??= endpoint.authorization;
  if (check.content_type !== undefined) headers["content-type"] = check.content_type;
  else if (body.length > 0) headers["content-type"] = "application/json";
  for (const [name, value] of Object.entries(check.headers)) headers[name.toLowerCase()] = value;
  return { path: targetPath(endpoint, check.endpoint ?? ""), method: check.method, headers, body };
}

/** Why the endpoint did not pass, or undefined. Never an answer's body: it stands in logs. */
async function problemOf({ check, pool, clock }: Given, ask: Ask): Promise<string | undefined> {
  const limits = { clock, maxBytes: MAX_BYTES, memory: new AnswerMemory(MAX_BYTES) };
  try {
    const timeoutMs = check.timeout_seconds * 1000;
    return answerProblem(check, await askOf(pool, ask, { timeoutMs, client: new Presence(), limits }));
  } catch (thrown) {
    const { message, cause } = toError(thrown);
    return cause instanceof Error ? `${message} (${cause.message})` : message;
  }
}

function answerProblem(check: HealthCheckConfig, { status, body }: Asked): string | undefined {
  const isWanted =
    check.expected_status.length > 0 ? check.expected_status.includes(status) : status >= 200 && status < 300;
  if (!isWanted) return `status ${status}`;
  if (check.expected_body !== undefined && !Buffer.from(body).includes(check.expected_body))
    return "the answer does not hold the expected text";
  return undefined;
}
