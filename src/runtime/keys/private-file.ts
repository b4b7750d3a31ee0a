import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  type Stats,
  statSync,
} from "node:fs";
import { dirname, sep } from "node:path";
import { AppError, toError } from "../../base/errors.ts";

/** Everything but reading and writing by the owner; a directory's owner may enter it, too. */
const MORE_THAN_0600 = 0o177;
const MORE_THAN_0700 = 0o077;
/** Ten thousand keys have a tenth of it. */
const MAX_BYTES = 16 * 1024 * 1024;
const MAX_FILES = 10_000;

/** Whether files are taken that others than this user can read or change. */
export type Trust = { readonly allowInsecurePermissions: boolean };

/**
 * The text of a file that only this user may use: mode 0600 or less, owned by this user or root, no link out of its directory (one
 * within it is how Kubernetes mounts secrets). Throws AppError KEYS_MISSING, KEYS_UNREADABLE, KEYS_PERMISSION; nothing of the content is
 * in any of them.
 */
export function readPrivateFile(path: string, trust: Trust): string {
  const real = resolved(path);
  if (!trust.allowInsecurePermissions) requireWithin(path, real);
  const file = attempt(path, () =>
    // Without O_NONBLOCK a named pipe would hold the process here until somebody writes to it.
    openSync(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW),
  );
  try {
    // The opened file is asked, not the path: nobody can swap it between the question and the reading.
    const status = fstatSync(file);
    if (!status.isFile())
      throw new AppError("KEYS_UNREADABLE", `${path} is not a file`, {
        path,
        why: status.isDirectory() ? "it is a directory" : "it is a device or a pipe",
      });
    if (status.size > MAX_BYTES)
      throw new AppError("KEYS_UNREADABLE", `${path} is too large for keys`, { path, bytes: status.size });
    if (!trust.allowInsecurePermissions) requirePrivate(path, status, MORE_THAN_0600, "600");
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
}

/** The names in a directory that only this user may use (0700 or less), in order. Throws as readPrivateFile does. */
export function listPrivateDirectory(path: string, trust: Trust): readonly string[] {
  const status = attempt(path, () => statSync(path));
  if (!status.isDirectory())
    throw new AppError("KEYS_UNREADABLE", `${path} is not a directory`, {
      path,
      why: "it is something else",
    });
  if (!trust.allowInsecurePermissions) requirePrivate(path, status, MORE_THAN_0700, "700");
  const names = attempt(path, () => readdirSync(path));
  if (names.length > MAX_FILES)
    throw new AppError("KEYS_UNREADABLE", `${path} holds too many files to be a directory of keys`, {
      path,
      files: names.length,
    });
  return names.toSorted();
}

const resolved = (path: string): string => attempt(path, () => realpathSync(path));

function requireWithin(path: string, real: string): void {
  const home = resolved(dirname(path));
  if (real.startsWith(home.endsWith(sep) ? home : home + sep)) return;
  throw new AppError("KEYS_PERMISSION", `${path} is a symbolic link out of its directory`, {
    path,
    why: `it leads to ${real}: whoever may change the link chooses the keys`,
    todo: `Name the file itself in the configuration: ${real}`,
  });
}

function requirePrivate(path: string, status: Stats, tooMuch: number, chmod: string): void {
  const self = process.geteuid?.();
  if (self !== undefined && status.uid !== self && status.uid !== 0)
    throw new AppError("KEYS_PERMISSION", `${path} belongs to user id ${status.uid}, not to this user`, {
      path,
      why: `this process runs as user id ${self}; whoever owns the keys can change them`,
      todo: `Give it to this user: chown ${self} ${path} && chmod ${chmod} ${path}`,
    });
  if ((status.mode & tooMuch) === 0) return;
  const mode = (status.mode & 0o777).toString(8).padStart(4, "0");
  throw new AppError("KEYS_PERMISSION", `${path} has mode ${mode}; private keys need 0${chmod} or less`, {
    path,
    mode,
    why: "its owner's group or everybody else may use it",
    todo: `Let only its owner use it: chmod ${chmod} ${path}`,
  });
}

function attempt<Result>(path: string, act: () => Result): Result {
  try {
    return act();
  } catch (thrown) {
    const error: NodeJS.ErrnoException = toError(thrown);
    if (error.code === "ENOENT" || error.code === "ENOTDIR")
      throw new AppError("KEYS_MISSING", `there is no keys file ${path}`, { path }, error);
    throw new AppError("KEYS_UNREADABLE", `cannot read ${path}: ${error.code}`, { path }, error);
  }
}
