import { chmod, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, repeat } from "../../../base/clock.ts";
import type { CloseStack } from "../../../base/close-stack.ts";
import { toError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import { lockSlot, type SlotLock } from "./slot-lock.ts";
import { SpoolFiles } from "./spool-files.ts";

type Options = {
  /** Tried in this order. */
  readonly directories: readonly string[];
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly owned: CloseStack;
};

const MOST_SLOTS = 256;
const ADOPT_EVERY_MS = 5_000;

/**
 * This process's part of the spool: the first of the numbered directories that no living process has. Relays that a process which is
 * gone left in the others are moved over, now and from time to time. Undefined, with a warning, when no directory can be written.
 */
export async function openSpool(options: Options): Promise<SpoolFiles | undefined> {
  const { directories, logger, clock, owned } = options;
  const problems: string[] = [];
  for (const directory of directories) {
    try {
      const slot = await takeSlot(directory, clock);
      owned.own(slot.lock);
      const files = owned.own(await SpoolFiles.open({ ...options, directory: slot.path }));
      await adoptAbandoned(directory, files, options);
      const stop = new AbortController();
      const onError = (thrown: unknown) =>
        logger.warn({ directory, error: toError(thrown).message }, "the spool's directory cannot be read");
      const rounds = { everyMs: ADOPT_EVERY_MS, signal: stop.signal, onError };
      const adopting = clock
        .sleep(ADOPT_EVERY_MS, stop.signal)
        .then(() => repeat(clock, rounds, () => round(directory, files, slot.lock, options)));
      owned.own({
        close: async () => {
          stop.abort();
          await adopting;
        },
      });
      logger.info(
        { directory: slot.path, relays: files.relays },
        "relays are spooled here while Redis is away",
      );
      return files;
    } catch (thrown) {
      problems.push(`${directory}: ${toError(thrown).message}`);
    }
  }
  logger.warn(
    { why: problems.join("; "), setting: "relay.spool.dir" },
    "there is no spool: while Redis is away relays are refused; set relay.spool.dir to a directory that can be written",
  );
  return undefined;
}

type Slot = { readonly path: string; readonly lock: SlotLock };

async function takeSlot(directory: string, clock: Clock): Promise<Slot> {
  for (let number = 1; number <= MOST_SLOTS; number++) {
    const path = join(directory, String(number));
    await mkdir(path, { recursive: true, mode: 0o700 });
    await chmod(path, 0o700);
    const lock = await lockSlot(path, clock);
    if (lock !== undefined) return { path, lock };
  }
  throw new Error(`all of its ${MOST_SLOTS} parts are in use`);
}

async function round(directory: string, files: SpoolFiles, lock: SlotLock, options: Options): Promise<void> {
  try {
    await lock.confirm();
  } catch (thrown) {
    files.giveUp(toError(thrown));
    throw thrown;
  }
  await adoptAbandoned(directory, files, options);
}

async function adoptAbandoned(
  directory: string,
  files: SpoolFiles,
  { clock, logger }: Options,
): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if (!/^\d+$/.test(name) || path === files.directory) continue;
    if (!(await readdir(path)).some((entry) => entry.endsWith(".spool"))) continue;
    const lock = await lockSlot(path, clock);
    if (lock === undefined) continue;
    try {
      const relays = await files.adopt(path);
      if (relays > 0) logger.info({ from: path, relays }, "relays of a process that is gone are taken over");
    } finally {
      await lock.close();
    }
  }
}
