import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, repeat } from "../../base/clock.ts";
import type { Closable } from "../../base/close-stack.ts";
import { toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { KeysConfig } from "./load-keys.ts";

type Options = {
  /** Asked at each look: a reload may name other sources. */
  readonly sources: () => KeysConfig;
  /** Called when a source has changed and then stayed the same for one look. What it throws has been told. */
  readonly changed: () => Promise<unknown>;
  readonly everyMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
};

/**
 * Looks at the files of keys again and again: their identity, size, mode and times, through links. A look costs little and, other than
 * file-system events, misses no rename, no link that leads elsewhere (Kubernetes) and no file system without events. A file that is
 * still being written is waited for.
 */
export function watchKeys({ sources, changed, everyMs, clock, logger }: Options): Closable {
  const stop = new AbortController();
  let known: string | undefined;
  let pending: string | undefined;
  const onError = (thrown: unknown) =>
    logger.debug({ error: toError(thrown).message }, "the files of keys could not be looked at");
  const look = async () => {
    const now = await signatureOf(sources());
    known ??= now;
    if (now !== known && now === pending) {
      known = now;
      await changed().catch(() => undefined);
    }
    pending = now;
  };
  const running = repeat(clock, { everyMs, signal: stop.signal, onError }, look);
  return {
    close: async () => {
      stop.abort();
      await running;
    },
  };
}

/** One text that differs when any of the files does. */
async function signatureOf({ keys_file, keys_dir, keyring }: KeysConfig): Promise<string> {
  const ringDirectory = keyring && join(keyring.dir, `keyring-${keyring.backend}`);
  const single = [keys_file, keyring?.password_file].filter((path) => path !== undefined);
  const inside = await Promise.all(
    [keys_dir, ringDirectory].filter((path) => path !== undefined).map(namesIn),
  );
  return (await Promise.all([...single, ...inside.flat()].map(stateOf))).join("\n");
}

async function namesIn(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch(() => []);
  return [directory, ...names.toSorted().map((name) => join(directory, name))];
}

async function stateOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mode, uid, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [path, dev, ino, size, mode, uid, mtimeNs, ctimeNs].join(" ");
  } catch (thrown) {
    return `${path} ${(thrown as NodeJS.ErrnoException).code}`;
  }
}
