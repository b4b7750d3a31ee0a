import { AppError } from "../../base/errors.ts";
import { durationMs } from "../../runtime/config/fields.ts";

const LONGEST_MS = 600_000;

/** What a --timeout means, in milliseconds. Errors: USAGE. */
export function timeoutOf(text: string): number {
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : durationMs(text);
  const isDuration = /^(\d+|(\d+(\.\d+)?(ms|s|m))+)$/.test(text);
  if (!isDuration || ms <= 0 || ms > LONGEST_MS)
    throw new AppError("USAGE", `--timeout ${text} cannot be right`, {
      why: "expected up to 10 minutes, such as 500ms, 3s or 1m; a bare number is seconds",
    });
  return ms;
}
