import type { Answer } from "./answer.ts";

/** Why a relay has no good answer; reports group by it. */
export type FailureKind =
  /** No connection, or one that broke before an answer began. */
  | "unreachable"
  /** The answer began, and the connection broke before its end. */
  | "broken_off"
  | "timeout"
  /** The relayer said no, in its own words. */
  | "refused"
  /** What came is not a valid answer of the supplier's. */
  | "bad_answer";

export type Failure = {
  readonly kind: FailureKind;
  /** For people, one line: the relayer's words, or the system's. */
  readonly reason: string;
  /** HTTP status, gRPC code or WebSocket close code of a refusal. */
  readonly status?: number;
  /** Sending the same bytes again cannot help. */
  readonly final: boolean;
  /** Without a word from the relayer, or after a failure of its own, nobody knows. */
  readonly maybeStored: boolean;
};

/** What came of one relay. */
export type Outcome =
  | {
      readonly kind: "answered";
      /** From the first byte sent to the last byte received. */
      readonly latencyMs: number;
      /** One; the batches of a stream in their order. */
      readonly answers: readonly Answer[];
      /** Until the first batch of a stream was there. */
      readonly firstMs?: number;
    }
  | { readonly kind: "failed"; readonly failure: Failure };

export const failed = (failure: Failure): Outcome => ({ kind: "failed", failure });

export const badAnswer = (problem: string): Failure => ({
  kind: "bad_answer",
  reason: problem,
  final: true,
  maybeStored: true,
});

const MAX_REASON = 200;

/** Below 500 the relayer has judged the relay itself; what it says from 500 on, and 429, may pass. */
export const refusedByStatus = (status: number, body: Uint8Array): Failure => ({
  kind: "refused",
  reason: `${status} ${wordsOf(body)}`,
  status,
  final: status < 500 && status !== 429,
  maybeStored: status >= 500,
});

/** The text under "error" in a JSON body, or the beginning of a body that is none (relay-path 6.2). */
function wordsOf(body: Uint8Array): string {
  const whole = new TextDecoder().decode(body.subarray(0, 4_096));
  let words = whole;
  try {
    const { error } = JSON.parse(whole) as { error?: unknown };
    words = typeof error === "string" ? error : whole;
  } catch {
    // The Go peer does not escape its texts: the body may be no JSON.
  }
  const text = printable(words);
  return text === "" ? "(no reason given)" : text.slice(0, MAX_REASON);
}

/** Without what would move a terminal's cursor. */
export const printable = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach the terminal
  text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ").trim();

/** What the system said of a connection: nobody there, cut off, or silent for too long. */
export function connectionFailure(error: NodeJS.ErrnoException): Failure {
  const code = error.code ?? causeCode(error);
  const timedOut = error.name === "TimeoutError" || (code?.includes("TIMEOUT") ?? false);
  return {
    kind: timedOut ? "timeout" : "unreachable",
    reason: timedOut ? "no answer in time" : error.message === "" ? (code ?? "no connection") : error.message,
    final: false,
    maybeStored: code !== "ECONNREFUSED",
  };
}

/** The same, of an answer that had begun. */
export function answerFailure(error: NodeJS.ErrnoException): Failure {
  const failure = connectionFailure(error);
  return failure.kind === "timeout" ? failure : { ...failure, kind: "broken_off", maybeStored: true };
}

const causeCode = (error: Error): string | undefined =>
  error.cause instanceof Error ? (error.cause as NodeJS.ErrnoException).code : undefined;
