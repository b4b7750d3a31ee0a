import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { isMap, isSeq, LineCounter, parseDocument } from "yaml";
import { AppError, toError } from "../../base/errors.ts";
import { parsePrivateKey } from "../../chain/protocol/ecdsa.ts";

/** Everything but reading and writing by the owner. */
const MORE_THAN_0600 = 0o177;

/**
 * Private keys of the Go peer's keys file: YAML with a list `keys` of 64 hex digits each; other fields are ignored, one bad entry
 * fails the whole file (mining-path 8). Throws AppError KEYS_MISSING, KEYS_UNREADABLE, KEYS_PERMISSION or KEYS_INVALID; no message,
 * field or cause holds anything of the file's content.
 */
export function readKeysFile(
  path: string,
  { allowInsecurePermissions, bareKey = false }: ReadOptions,
): Uint8Array[] {
  const text = readPrivately(path, allowInsecurePermissions);
  if (bareKey && BARE_KEY.test(text.trim())) return keysOf([text.trim()], path);
  return keysOf(entriesOf(text, path), path);
}

type ReadOptions = {
  readonly allowInsecurePermissions: boolean;
  /** A file that holds nothing but one key in hex is good, too. */
  readonly bareKey?: boolean;
};

const BARE_KEY = /^(0x)?[0-9a-fA-F]{64}$/;

function readPrivately(path: string, allowInsecurePermissions: boolean): string {
  const file = open(path);
  try {
    // The opened file is asked, not the path: nobody can swap it between the question and the reading.
    const status = fstatSync(file);
    if (!status.isFile())
      throw new AppError("KEYS_UNREADABLE", `${path} is not a file`, {
        path,
        why: status.isDirectory() ? "it is a directory" : "it is a device or a pipe",
      });
    const mode = (status.mode & 0o777).toString(8).padStart(4, "0");
    if ((status.mode & MORE_THAN_0600) !== 0 && !allowInsecurePermissions)
      throw new AppError("KEYS_PERMISSION", `${path} has mode ${mode}; private keys need 0600 or less`, {
        path,
        mode,
        why: "its owner's group or everybody else may use it",
      });
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
}

function open(path: string): number {
  try {
    // Without O_NONBLOCK a named pipe would hold the process here until somebody writes to it.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (thrown) {
    const error: NodeJS.ErrnoException = toError(thrown);
    if (error.code === "ENOENT" || error.code === "ENOTDIR")
      throw new AppError("KEYS_MISSING", `there is no keys file ${path}`, { path }, error);
    throw new AppError("KEYS_UNREADABLE", `cannot read ${path}: ${error.code}`, { path }, error);
  }
}

/** Every scalar is read as text, as Go reads it into a list of strings: 64 digits without quotes are no number. */
function entriesOf(text: string, path: string): unknown[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { schema: "failsafe", prettyErrors: false, lineCounter: lines });
  const [error] = document.errors;
  if (error) {
    const { line } = lines.linePos(error.pos[0]);
    throw new AppError("KEYS_INVALID", `${path} is not valid YAML (${error.code} in line ${line})`, {
      path,
      line,
    });
  }
  const list = isMap(document.contents) ? document.contents.get("keys") : undefined;
  if (!isSeq(list) || list.items.length === 0)
    throw new AppError("KEYS_INVALID", `${path} has no list of keys under "keys:"`, { path });
  return list.toJS(document);
}

function keysOf(entries: readonly unknown[], path: string): Uint8Array[] {
  return entries.map((entry, index) => {
    const number = index + 1;
    const where = { path, entry: number };
    if (typeof entry !== "string")
      throw new AppError("KEYS_INVALID", `entry ${number} of ${path}: not a text of hex digits`, where);
    try {
      return parsePrivateKey(entry);
    } catch (thrown) {
      const why = toError(thrown).message;
      throw new AppError("KEYS_INVALID", `entry ${number} of ${path}: ${why}`, where, thrown);
    }
  });
}
