import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../../../base/clock.ts";
import { openPoolVerifiers, type VerifierSettings } from "./verifiers.ts";
import { WorkerDesk, type WorkerReady } from "./worker-desk.ts";

/** The thread's first file (worker-thread.ts starts it). Whatever throws here ends it: its tables may be wrong, and a new one is made. */
const verifiers = openPoolVerifiers(workerData as VerifierSettings, systemClock.monotonic);
const desk = new WorkerDesk(verifiers);
const ready: WorkerReady = { kind: "ready", verifier: verifiers.name, refusal: verifiers.refusal };
parentPort?.on("message", (batch: ArrayBuffer) => {
  const answer = desk.answer(batch);
  parentPort?.postMessage(answer, [answer.verdicts.buffer]);
});
parentPort?.postMessage(ready);
