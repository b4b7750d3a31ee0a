import { AppError } from "../../base/errors.ts";
import { privateKeyOf, yamlMap } from "./key-text.ts";
import { readPrivateFile, type Trust } from "./private-file.ts";
import type { SourcedKey } from "./sourced-key.ts";

type ReadOptions = Trust & {
  /** A file that holds nothing but one key in hex is good, too. */
  readonly bareKey?: boolean;
};

const BARE_KEY = /^(0x)?[0-9a-fA-F]{64}$/;

/**
 * Private keys of the Go peer's keys file: YAML with a list `keys` of 64 hex digits each; other fields are ignored, one bad entry
 * fails the whole file (mining-path 8). Throws AppError KEYS_MISSING, KEYS_UNREADABLE, KEYS_PERMISSION or KEYS_INVALID; no message,
 * field or cause holds anything of the file's content.
 */
export function readKeysFile(path: string, options: ReadOptions): SourcedKey[] {
  const text = readPrivateFile(path, options);
  if (options.bareKey === true && BARE_KEY.test(text.trim()))
    return [{ privateKey: privateKeyOf(text.trim(), path), source: path }];
  const list = yamlMap(text, path).get("keys");
  if (!Array.isArray(list) || list.length === 0)
    throw new AppError("KEYS_INVALID", `${path} has no list of keys under "keys:"`, { path });
  return list.map((item: unknown, index) => {
    const where = `entry ${index + 1} of ${path}`;
    return { privateKey: privateKeyOf(item, where), source: where };
  });
}
