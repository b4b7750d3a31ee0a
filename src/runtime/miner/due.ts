import type { Logger } from "../../base/logger.ts";
import { CLOSE_OF, earliest } from "./calendar.ts";
import type { MinerMetrics } from "./metrics.ts";
import type { Phase } from "./records.ts";
import type { DueSession } from "./send.ts";

/** So few blocks before a window closes there is little left that could be tried. */
const SOON_BLOCKS = 2n;

type Telling = {
  readonly phase: Phase;
  readonly supplier: string;
  readonly height: bigint;
  readonly metrics: Pick<MinerMetrics, "due" | "dueBlocksLeft">;
  readonly logger: Logger;
};

/**
 * The sessions that a phase is due for, those whose window closes first in front: where not all can be sent in time, the ones that can
 * wait do. How many they are and how many blocks are left is in the metrics, and in the log when the first window is about to close.
 */
export function nearestFirst<Due extends DueSession>(
  due: readonly Due[],
  { phase, supplier, height, metrics, logger }: Telling,
): readonly Due[] {
  const labels = { supplier, phase };
  metrics.due.set(labels, due.length);
  if (due.length === 0) {
    metrics.dueBlocksLeft.remove(labels);
    return due;
  }
  const closeOf = ({ windows }: Due) => CLOSE_OF[phase](windows);
  const blocksLeft = earliest(due.map(closeOf)) - height;
  metrics.dueBlocksLeft.set(labels, Number(blocksLeft));
  if (blocksLeft <= SOON_BLOCKS)
    logger.warn(
      { supplier, phase, sessions: due.length, blocksLeft: Number(blocksLeft) },
      "sessions are due and their window is about to close",
    );
  return due.toSorted((left, right) => Number(closeOf(left) - closeOf(right)));
}
