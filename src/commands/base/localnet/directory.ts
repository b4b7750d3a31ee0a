import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Closable } from "../../../base/close-stack.ts";
import { AppError } from "../../../base/errors.ts";

/** Where everything of one localnet lies; absolute paths. */
export type Directory = Closable & {
  readonly root: string;
  readonly logs: string;
  readonly redis: string;
  path(name: string): string;
  /** A file that only its owner can read. */
  write(name: string, text: string): string;
};

/** Marks a directory as ours, and says whose process works in it. */
const MARK = "localnet.pid";

/**
 * Makes the directory, or empties one that was a localnet's before. Throws AppError LOCALNET_FAILED when it holds anything else, or
 * when a localnet works in it.
 */
export function openDirectory(root: string): Directory {
  const mark = join(root, MARK);
  if (existsSync(root)) clear(root, mark);
  mkdirSync(root, { recursive: true, mode: 0o700 });
  chmodSync(root, 0o700);
  writeFileSync(mark, `${process.pid}\n`, { mode: 0o600 });
  const path = (name: string) => join(root, name);
  for (const name of ["logs", "redis"]) mkdirSync(path(name), { mode: 0o700 });
  return {
    root,
    logs: path("logs"),
    redis: path("redis"),
    path,
    write: (name, text) => {
      // Whoever looks sees the file as it was or as it is, never a part of it.
      writeFileSync(path(`.${name}`), text, { mode: 0o600 });
      renameSync(path(`.${name}`), path(name));
      return path(name);
    },
    // The files stay for a look; that nothing runs here any more is what the missing localnet.json says.
    close: () => {
      rmSync(path("localnet.json"), { force: true });
      writeFileSync(mark, "0\n", { mode: 0o600 });
    },
  };
}

function clear(root: string, mark: string): void {
  const names = readdirSync(root);
  if (names.length === 0) return;
  if (!existsSync(mark))
    throw new AppError("LOCALNET_FAILED", `${root} is not a localnet's directory`, {
      why: "it holds files that a localnet did not make, and a localnet empties its directory at start",
      todo: "Choose another one with --dir.",
    });
  const pid = Number(readFileSync(mark, "utf8"));
  if (pid !== process.pid && isAlive(pid))
    throw new AppError("LOCALNET_FAILED", `A localnet already works in ${root}`, {
      why: `its process is ${pid}`,
      todo: "End it with Ctrl-C, or choose another directory with --dir.",
    });
  for (const name of names) rmSync(join(root, name), { recursive: true, force: true });
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 1) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === "EPERM";
  }
}
