import type { Logger } from "../../base/logger.ts";
import type { KeysConfig, LoadedKeys } from "./load-keys.ts";

/** Says at each start and reload what an operator should know of the keys. */
export function tellNotes({ notes }: LoadedKeys, config: KeysConfig, logger: Logger): void {
  if (config.allow_insecure_permissions)
    logger.warn({}, "keys are taken from files that others may be able to read or change, as configured");
  for (const note of notes) logger.warn({ note }, "about the keys");
}
