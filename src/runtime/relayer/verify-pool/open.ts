import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { Clock } from "../../../base/clock.ts";
import type { Logger } from "../../../base/logger.ts";
import type { OpenedVerifiers } from "../../../chain/protocol/ring/verify.ts";
import type { RelayerConfig } from "../../config/relayer.ts";
import { availableCores } from "../../ops/cores.ts";
import type { VerificationMetrics } from "../metrics.ts";
import { LoopLoad } from "./loop-load.ts";
import { VerifyPool } from "./pool.ts";
import { openPoolVerifiers, type VerifierSettings } from "./verifiers.ts";

type Given = {
  readonly settings: RelayerConfig["relay"];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: VerificationMetrics;
};

export type OpenedPool = { readonly pool: VerifyPool; readonly verifiers: OpenedVerifiers };

/** Beside this file, and compiled as it is. */
const WORKER_FILE = new URL(`./worker${extname(import.meta.url)}`, import.meta.url);
const MOST_AUTOMATIC = 4;

/**
 * Workers for `auto`, by how many threads run at once, which counts both halves of a core. A relay costs the main thread
 * more than its signature costs a worker, so one worker keeps up with it, and two that share a core do; the rest is for the first
 * minute of a session, when tables are built. Half of the threads, then, which leaves the others to the main thread, Redis and the
 * kernel; none where there is only one.
 */
export const automaticWorkers = (threads: number): number =>
  Math.min(Math.floor(threads / 2), MOST_AUTOMATIC);

/** Opens the main thread's verifiers and starts the workers, which take over when they are ready. A kernel that does not run is told. */
export function openVerifyPool({ settings, clock, logger, metrics }: Given): OpenedPool {
  const { verify_workers, verify_queue, verify_tables_mb, verify_tables } = settings;
  const ofThread: VerifierSettings = { megabytes: verify_tables_mb, tables: verify_tables };
  const verifiers = openPoolVerifiers(ofThread, clock.monotonic);
  if (verifiers.refusal !== undefined)
    logger.warn(
      { why: verifiers.refusal, verifier: verifiers.name },
      "the verification kernel does not run; signatures take many times as long",
    );
  const load = new LoopLoad(clock);
  const pool = new VerifyPool({
    verifiers,
    workers: verify_workers === "auto" ? automaticWorkers(availableCores()) : verify_workers,
    spawn: (name) => new Worker(WORKER_FILE, { name, workerData: ofThread }),
    limit: verify_queue,
    isBusy: () => load.isBusy(),
    clock,
    logger,
    metrics,
  });
  return { pool, verifiers };
}
