import { LineCounter, parseDocument } from "yaml";
import { AppError, toError } from "../../base/errors.ts";
import { parsePrivateKey } from "../../chain/protocol/ecdsa.ts";

/**
 * The map that a YAML or JSON file is; empty when it is something else. Every scalar is read as text, as Go reads it into strings:
 * 64 digits without quotes are no number. Throws AppError KEYS_INVALID with the line, and nothing of the content.
 */
export function yamlMap(text: string, path: string): ReadonlyMap<unknown, unknown> {
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
  const value = plain(() => document.toJS({ mapAsMap: true }), path);
  return value instanceof Map ? value : new Map();
}

function plain(read: () => unknown, path: string): unknown {
  try {
    return read();
  } catch {
    throw new AppError("KEYS_INVALID", `${path} is not valid YAML (its aliases cannot be resolved)`, {
      path,
    });
  }
}

/** A private key in hex. Throws AppError KEYS_INVALID, which names the place and never shows the text. */
export function privateKeyOf(text: unknown, where: string): Uint8Array {
  if (typeof text !== "string")
    throw new AppError("KEYS_INVALID", `${where}: not a text of hex digits`, { where });
  try {
    return parsePrivateKey(text);
  } catch (thrown) {
    throw new AppError("KEYS_INVALID", `${where}: ${toError(thrown).message}`, { where }, thrown);
  }
}
