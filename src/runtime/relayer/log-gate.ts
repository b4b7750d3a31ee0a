import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/logger.ts";

const EVERY_MS = 1_000;
/** Different warnings are few; should they not be, the oldest are forgotten. */
const MAX_KEPT = 200;

/**
 * A logger that gives each warning once a second and says how many were left out: whoever makes relays fail must not be able to fill
 * a disk, nor make the log the slowest part of a relay. Other levels go through.
 */
export function gated(logger: Logger, clock: Clock): Logger {
  const last = new Map<string, { at: number; left: number }>();
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    error: (fields, message) => logger.error(fields, message),
    warn: (fields, message) => {
      const name = `${message}|${String(fields["reason"] ?? "")}`;
      const now = clock.monotonic();
      const before = last.get(name);
      if (before !== undefined && now - before.at < EVERY_MS) {
        before.left += 1;
        return;
      }
      if (last.size >= MAX_KEPT) last.clear();
      last.set(name, { at: now, left: 0 });
      logger.warn(before?.left ? { ...fields, leftOut: before.left } : fields, message);
    },
  };
}
