import { AppError, toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { SessionWindows } from "../../chain/protocol/session-grid.ts";
import type { SessionRecord } from "../redis/session-record.ts";
import { CLOSE_OF, earliest } from "./calendar.ts";
import type { MinerMetrics } from "./metrics.ts";
import type { Phase } from "./records.ts";
import type { Item, Submitted, Submitter } from "./submit.ts";
import type { SupplierWorker } from "./worker.ts";

export type DueSession = { readonly record: SessionRecord; readonly windows: SessionWindows };

export type Sending<Due extends DueSession> = {
  readonly phase: Phase;
  readonly worker: SupplierWorker;
  readonly due: readonly Due[];
  /** False: one transaction a message. */
  readonly together: boolean;
  /** What to send; undefined when there is nothing to send (any more). */
  readonly prepare: (session: Due) => Promise<Item | undefined>;
  readonly note: (session: Due, item: Item, result: Submitted) => Promise<void>;
  readonly submitter: Pick<Submitter, "submit">;
  readonly logger: Logger;
  readonly metrics: MinerMetrics;
};

type Ready<Due> = { readonly session: Due; readonly item: Item };

/** One phase for all sessions that are due: each is prepared by itself, all are sent together, each outcome is noted by itself. */
export async function send<Due extends DueSession>(sending: Sending<Due>): Promise<void> {
  const { phase, worker, due, together, prepare, note, submitter } = sending;
  const ready: Ready<Due>[] = [];
  for (const session of due)
    await onItsOwn(
      sending,
      session,
      "could not be prepared; it is tried again at the next block",
      async () => {
        const item = worker.stopped ? undefined : await prepare(session);
        if (item) ready.push({ session, item });
      },
    );
  if (ready.length === 0 || worker.stopped) return;
  const results = await submitter.submit({
    supplier: worker.supplier,
    items: ready.map(({ item }) => item),
    close: earliest(ready.map(({ session }) => CLOSE_OF[phase](session.windows))),
    together,
    isOurs: () => !worker.stopped,
  });
  for (const { session, item } of ready) {
    const result = results.get(item.sessionId);
    if (result === undefined) continue;
    await onItsOwn(sending, session, "was sent, and that was not recorded", () =>
      note(session, item, result),
    );
  }
}

async function onItsOwn<Due extends DueSession>(
  { phase, worker: { supplier }, metrics, logger }: Sending<Due>,
  { record }: Due,
  what: string,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    const errors = phase === "claim" ? metrics.claimErrors : metrics.proofErrors;
    errors.inc({ supplier, reason: codeOf(thrown) });
    logger.error(
      { supplier, session: record.sessionId, error: toError(thrown).message },
      `a ${phase} ${what}`,
    );
  }
}

const codeOf = (thrown: unknown): string => (thrown instanceof AppError ? thrown.code : "UNEXPECTED");
