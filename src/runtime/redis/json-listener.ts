import { toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { parseJson } from "./go-json.ts";
import type { Listener } from "./subscriptions.ts";

/** A listener of JSON messages; one that cannot be read is logged and dropped. */
export function jsonListener(
  handler: (json: unknown) => void,
  onGap: (() => void) | undefined,
  logger: Logger,
): Listener {
  return {
    onMessage: (payload) => {
      try {
        handler(parseJson(payload));
      } catch (thrown) {
        logger.warn({ error: toError(thrown).message }, "a Redis message could not be used");
      }
    },
    ...(onGap && { onGap }),
  };
}
