import { randomUUID } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { link, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { type Clock, repeat } from "../../../base/clock.ts";
import type { Closable } from "../../../base/close-stack.ts";

/** Who owns a directory. `world`: where `pid` has a meaning, that is one boot of one machine and one namespace of processes. */
const ownerSchema = z.strictObject({
  token: z.string(),
  world: z.string(),
  pid: z.number().int().positive(),
  startedAt: z.string(),
});
type Owner = z.output<typeof ownerSchema>;

const NAME = "owner";
const BEAT_MS = 3_000;
/** An owner in another world is dead when it has not beaten for so long. */
const SILENT_MS = 15_000;

export type SlotLock = Closable & {
  /** Throws when another process has taken the directory over: this one was taken for dead. */
  confirm(): Promise<void>;
};

/**
 * Takes a directory for this process; undefined when a living process has it. A dead owner on this machine is known at once by its
 * process id and start time, one elsewhere (a container with the same volume) by its silence.
 */
export async function lockSlot(directory: string, clock: Clock): Promise<SlotLock | undefined> {
  const path = join(directory, NAME);
  const mine: Owner = {
    token: randomUUID(),
    world: thisWorld(),
    pid: process.pid,
    startedAt: startOf(process.pid),
  };
  for (let attempt = 0; attempt < 3; attempt++) {
    if (await claim(path, mine)) return held(path, mine, clock);
    const owner = await readOwner(path);
    if (owner !== undefined && (await isAlive(path, owner, clock))) return undefined;
    await discard(path, owner);
  }
  return undefined;
}

/** The file appears whole or not at all, and only if there was none. */
async function claim(path: string, mine: Owner): Promise<boolean> {
  const draft = `${path}.${mine.token}`;
  await writeFile(draft, JSON.stringify(mine), { mode: 0o600 });
  try {
    await link(draft, path);
    return true;
  } catch (thrown) {
    if (codeOf(thrown) !== "EEXIST") throw thrown;
    return false;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Takes a dead owner's file away. If somebody was faster, it is theirs, and goes back. */
async function discard(path: string, dead: Owner | undefined): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (thrown) {
    if (codeOf(thrown) === "ENOENT") return;
    throw thrown;
  }
  const taken = await readOwner(aside);
  if (taken?.token !== dead?.token) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

function held(path: string, mine: Owner, clock: Clock): SlotLock {
  const stop = new AbortController();
  const confirm = async () => {
    if ((await readOwner(path))?.token !== mine.token)
      throw new Error(`another process has taken ${path} over`);
  };
  const beat = async () => {
    const now = clock.now() / 1000;
    await utimes(path, now, now);
  };
  const beating = repeat(clock, { everyMs: BEAT_MS, signal: stop.signal, onError: () => undefined }, beat);
  return {
    confirm,
    close: async () => {
      stop.abort();
      await beating;
      const isMine = await confirm().then(
        () => true,
        () => false,
      );
      if (isMine) await rm(path, { force: true });
    },
  };
}

/** Undefined for a file that is gone or says nothing that can be read. */
async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    return ownerSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return undefined;
  }
}

async function isAlive(path: string, { world, pid, startedAt }: Owner, clock: Clock): Promise<boolean> {
  if (world === thisWorld()) return isRunning(pid) && startOf(pid) === startedAt;
  const beatAt = await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
  return clock.now() - beatAt < SILENT_MS;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return codeOf(thrown) === "EPERM";
  }
}

/** Field 22 of /proc/<pid>/stat: a process id that was given out again is another process. "" where there is no /proc. */
function startOf(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

function thisWorld(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    return `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return hostname();
  }
}

const codeOf = (thrown: unknown): unknown =>
  thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
