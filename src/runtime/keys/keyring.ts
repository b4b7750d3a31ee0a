import { join } from "node:path";
import { compare } from "bcryptjs";
import { compactDecrypt } from "jose";
import { z } from "zod";
import { equalBytes } from "../../base/bytes.ts";
import { AppError, toError } from "../../base/errors.ts";
import { publicKeyOf } from "../../chain/protocol/ecdsa.ts";
import { decodeRecord, type KeyringRecord } from "./keyring-record.ts";
import { listPrivateDirectory, readPrivateFile, type Trust } from "./private-file.ts";
import type { SourcedKey } from "./sourced-key.ts";

/** A Cosmos SDK keyring on disk, as the Go peer's YAML names it. */
export type KeyringConfig = {
  readonly backend: "file" | "test";
  /** The directory in which the SDK made `keyring-file` or `keyring-test`. */
  readonly dir: string;
  /** Only these; empty for all. */
  readonly key_names: readonly string[];
  readonly password_file?: string | undefined;
  readonly password_env?: string | undefined;
};

type Opened = {
  readonly keys: readonly SourcedKey[];
  /** Records without a key that could sign for a supplier, in words. */
  readonly skipped: readonly string[];
};

const INFO = ".info";
/** The SDK writes 8,192. More is work for nothing, but no reason to refuse; this many take seconds. */
const MAX_ITERATIONS = 1_000_000;
/** What a file holds when it is decrypted; the rest of it does not matter here. */
const item = z.looseObject({ Data: z.base64() });

/**
 * The secp256k1 keys of a keyring: files `<name>.info`, each a JWE under the password (PBES2-HS256+A128KW, A256GCM) around JSON around a
 * protobuf record. Held to files that Cosmos SDK 0.50.13 wrote (test/vectors/keyring). With names, each must be there and able to sign;
 * without, what cannot sign is skipped and told.
 * Throws AppError KEYS_MISSING, KEYS_UNREADABLE, KEYS_PERMISSION, KEYRING_PASSWORD_WRONG, KEYRING_INVALID, KEYS_MISMATCH.
 */
export async function openKeyring(
  { backend, dir, key_names }: KeyringConfig,
  password: string,
  trust: Trust,
): Promise<Opened> {
  const directory = join(dir, `keyring-${backend}`);
  const names = listPrivateDirectory(directory, trust);
  if (names.includes("keyhash"))
    await requirePassword(readPrivateFile(join(directory, "keyhash"), trust).trim(), password, directory);
  const files = key_names.length > 0 ? wanted(key_names, names, directory) : all(names, directory);
  const keys: SourcedKey[] = [];
  const skipped: string[] = [];
  for (const file of files) {
    const path = join(directory, file);
    const record = await decrypted(readPrivateFile(path, trust).trim(), password, path);
    if (record.kind === "key") keys.push(checkedKey(record, path));
    else if (key_names.length === 0) skipped.push(`${path} is ${record.what}`);
    else
      throw new AppError("KEYRING_INVALID", `the key "${record.name}" cannot sign here`, {
        why: `${path} is ${record.what}`,
        todo: "Name keys in keys.keyring.key_names that the keyring holds with their private key.",
      });
  }
  return { keys, skipped };
}

function all(names: readonly string[], directory: string): readonly string[] {
  const files = names.filter((name) => name.endsWith(INFO));
  if (files.length > 0) return files;
  throw new AppError("KEYS_MISSING", `there is no key in the keyring ${directory}`, {
    why: `no file in it ends in ${INFO}`,
    todo: `Add the suppliers' keys, or correct keys.keyring.dir: it is the directory that holds keyring-file or keyring-test.`,
  });
}

function wanted(keyNames: readonly string[], names: readonly string[], directory: string): readonly string[] {
  return keyNames.map((name) => {
    const file = fileNameOf(name);
    if (names.includes(file)) return file;
    const there = names.filter((other) => other.endsWith(INFO)).map((other) => other.slice(0, -INFO.length));
    throw new AppError("KEYS_MISSING", `there is no key "${name}" in the keyring ${directory}`, {
      why: there.length === 0 ? "it holds no keys" : `it holds ${there.slice(0, 20).join(", ")}`,
      todo: "Correct keys.keyring.key_names.",
    });
  });
}

/** As the SDK's keyring escapes names: / and % only. */
const fileNameOf = (name: string): string => `${name.replaceAll("%", "%25").replaceAll("/", "%2F")}${INFO}`;

/** The SDK keeps a bcrypt hash of the password beside the keys, so that a wrong one is told from a broken file. */
async function requirePassword(hash: string, password: string, directory: string): Promise<void> {
  if (!/^\$2[aby]\$\d\d\$/.test(hash)) return;
  if (await compare(password, hash)) return;
  throw new AppError("KEYRING_PASSWORD_WRONG", `the password does not open the keyring ${directory}`, {
    why: "it is not the one that the keyring's keyhash was made from",
  });
}

async function decrypted(jwe: string, password: string, path: string): Promise<KeyringRecord> {
  const invalid = (why: string, cause?: unknown) =>
    new AppError("KEYRING_INVALID", `${path} cannot be read as a key of a Cosmos keyring`, { why }, cause);
  let plaintext: Uint8Array;
  try {
    ({ plaintext } = await compactDecrypt(jwe, new TextEncoder().encode(password), {
      keyManagementAlgorithms: ["PBES2-HS256+A128KW"],
      contentEncryptionAlgorithms: ["A256GCM"],
      maxPBES2Count: MAX_ITERATIONS,
    }));
  } catch (thrown) {
    const { code } = toError(thrown) as { readonly code?: string };
    if (code !== "ERR_JWE_DECRYPTION_FAILED")
      throw invalid(`it is no JWE as the SDK writes them (${code ?? "unknown form"})`);
    throw invalid("it does not decrypt: it is damaged, or another password was used for it");
  }
  try {
    const { Data } = item.parse(JSON.parse(new TextDecoder().decode(plaintext)));
    return decodeRecord(new Uint8Array(Buffer.from(Data, "base64")));
  } catch (thrown) {
    const { fields } = thrown instanceof AppError ? thrown : { fields: {} };
    throw new AppError("KEYRING_INVALID", `${path} decrypts, and is no key of a Cosmos keyring`, {
      why: "it holds no record of a current Cosmos SDK",
      ...("todo" in fields && { todo: fields["todo"] }),
    });
  }
}

function checkedKey(
  { privateKey, publicKey, name }: Extract<KeyringRecord, { kind: "key" }>,
  path: string,
): SourcedKey {
  if (privateKey.length !== 32 || !equalBytes(publicKeyOf(privateKey), publicKey))
    throw new AppError("KEYS_MISMATCH", `${path} holds a private key that is not its public key's`, {
      why: `the record "${name.slice(0, 64)}" is inconsistent`,
    });
  return { privateKey, source: `key "${name}" of ${path}` };
}
