import type { LogLevel } from "../../ops/logger.ts";
import type { Readiness } from "../backends/readiness.ts";

/** What the first process and the ones that serve say to each other, over the channel that node:cluster opens. */

/** `request`: which question an answer is for. */
export type Question =
  | { readonly kind: "metrics"; readonly request: number }
  | { readonly kind: "readiness"; readonly request: number; readonly service: string };

export type ToWorker =
  | { readonly kind: "drain"; readonly delayMs: number | undefined }
  /** Take configuration and keys anew. */
  | { readonly kind: "reload" }
  | { readonly kind: "password"; readonly password: string | undefined }
  | Question;

/** Metrics as prom-client's getMetricsAsJSON gives them. */
export type MetricsJson = readonly {
  readonly name: string;
  readonly type: string;
  readonly aggregator: string;
  readonly values: readonly { readonly labels: Readonly<Record<string, string | number>> }[];
}[];

/** What one process says of a service. */
export type ToldReadiness = Readiness | "not served" | "starting";

export type FromWorker =
  | { readonly kind: "ready"; readonly ready: boolean; readonly port: number }
  /** An operator asked this one to end: it is not to be started again. */
  | { readonly kind: "drained" }
  /** A reload changed it. */
  | { readonly kind: "log_level"; readonly level: LogLevel }
  /** Asks for a keyring's password: terminal and input are the first process's. */
  | { readonly kind: "password"; readonly question: string }
  | { readonly kind: "metrics"; readonly request: number; readonly answer: MetricsJson }
  | { readonly kind: "readiness"; readonly request: number; readonly answer: ToldReadiness };

const KINDS: ReadonlySet<string> = new Set<(FromWorker | ToWorker)["kind"]>([
  ...(["ready", "drained", "log_level", "password", "metrics", "readiness"] as const),
  ...(["drain", "reload"] as const),
]);

/** Only we write to the channel, and prom-client and Node beside us: whatever has no such kind is theirs. */
const isOurs = (message: unknown): boolean =>
  typeof message === "object" &&
  message !== null &&
  "kind" in message &&
  typeof message.kind === "string" &&
  KINDS.has(message.kind);

export const fromWorker = (message: unknown): FromWorker | undefined =>
  isOurs(message) ? (message as FromWorker) : undefined;

export const toWorker = (message: unknown): ToWorker | undefined =>
  isOurs(message) ? (message as ToWorker) : undefined;
