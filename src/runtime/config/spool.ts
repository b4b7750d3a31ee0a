import { createHash } from "node:crypto";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";

/** Relays that Redis cannot take at the moment, kept on this machine's disk until it can. */
export const spoolSchema = () =>
  z
    .strictObject({
      enabled: z.boolean().default(true),
      /** Relative to the configuration's directory; by default beside the configuration. */
      dir: z.string().min(1).optional(),
      max_mb: z.number().int().min(1).max(1_000_000).default(1_024),
    })
    .prefault({});

type Spool = z.output<ReturnType<typeof spoolSchema>>;

/**
 * Where the relays of this configuration may be kept, the best place first; none when there is to be no spool. A place belongs to one
 * configuration, so that relays never reach the Redis of another one.
 */
export function spoolDirectories({ enabled, dir }: Spool, configFile: string, dataDir: string): string[] {
  if (!enabled) return [];
  const file = resolve(configFile);
  if (dir !== undefined) return [resolve(dirname(file), dir)];
  const name = createHash("sha256").update(file).digest("hex").slice(0, 16);
  return [`${file}.spool`, join(dataDir, "spool", name)];
}
