import { join } from "node:path";
import { AppError } from "../../base/errors.ts";
import { addressOf } from "../../chain/protocol/address.ts";
import { publicKeyOf } from "../../chain/protocol/ecdsa.ts";
import { privateKeyOf, yamlMap } from "./key-text.ts";
import { listPrivateDirectory, readPrivateFile, type Trust } from "./private-file.ts";
import type { SourcedKey } from "./sourced-key.ts";

const KEY_FILE = /^[^.].*\.(yaml|yml|json)$/;

/**
 * The Go peer's directory of keys: one `*.yaml`, `*.yml` or `*.json` for each, with `operator_address` and `private_key_hex`
 * (mining-path 8). The address must be the key's, which Go does not check; one bad file fails the directory. Throws as readKeysFile,
 * and KEYS_MISMATCH.
 */
export function readKeysDir(directory: string, trust: Trust): SourcedKey[] {
  const names = listPrivateDirectory(directory, trust).filter((name) => KEY_FILE.test(name));
  if (names.length === 0)
    throw new AppError("KEYS_MISSING", `there is no key in ${directory}`, {
      why: "none of its files ends in .yaml, .yml or .json",
    });
  return names.map((name) => readOne(join(directory, name), trust));
}

function readOne(path: string, trust: Trust): SourcedKey {
  const map = yamlMap(readPrivateFile(path, trust), path);
  const address = map.get("operator_address");
  const key = map.get("private_key_hex");
  if (typeof address !== "string" || key === undefined)
    throw new AppError("KEYS_INVALID", `${path} has no "operator_address" and "private_key_hex"`, { path });
  const privateKey = privateKeyOf(key, `private_key_hex of ${path}`);
  const derived = addressOf(publicKeyOf(privateKey));
  if (derived !== address)
    throw new AppError("KEYS_MISMATCH", `${path} names an address that is not its key's`, {
      why: `operator_address is ${address.slice(0, 64)}, the key's own is ${derived}`,
    });
  return { privateKey, source: path };
}
