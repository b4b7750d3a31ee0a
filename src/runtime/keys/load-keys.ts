import { AppError } from "../../base/errors.ts";
import { type KeyRing, keyRingOf } from "./key-ring.ts";
import { type KeyringConfig, openKeyring } from "./keyring.ts";
import { readKeysDir } from "./keys-dir.ts";
import { readKeysFile } from "./keys-file.ts";
import { readPrivateFile, type Trust } from "./private-file.ts";
import type { SourcedKey } from "./sourced-key.ts";

export type KeysConfig = {
  readonly keys_file?: string | undefined;
  readonly keys_dir?: string | undefined;
  readonly keyring?: KeyringConfig | undefined;
  readonly allow_insecure_permissions: boolean;
};

/** Where the password of a keyring comes from when it is in no file; each command line gives its own. */
export type PasswordSource = {
  /** The environment's variable of that name. */
  readonly environment: (name: string) => string | undefined;
  /** Asks whoever started the process; undefined when nobody can be asked. */
  readonly ask: (question: string) => Promise<string | undefined>;
};

const NO_PASSWORDS: PasswordSource = { environment: () => undefined, ask: async () => undefined };

export type LoadedKeys = {
  readonly ring: KeyRing;
  /** What an operator should know of the sources and nothing has to be done about: one sentence each, no keys. */
  readonly notes: readonly string[];
};

/**
 * The keys of all configured sources together, as the Go peer merges them (mining-path 8): one that cannot be read fails them all.
 * Throws AppError KEYS_MISSING, KEYS_UNREADABLE, KEYS_PERMISSION (others than the owner may use a file, and that is not allowed),
 * KEYS_INVALID, KEYS_MISMATCH, KEYRING_INVALID, KEYRING_PASSWORD_MISSING, KEYRING_PASSWORD_WRONG. They name the place and never show
 * a key or a password.
 */
export async function loadKeys(
  config: KeysConfig,
  passwords: PasswordSource = NO_PASSWORDS,
): Promise<LoadedKeys> {
  const { keys_file, keys_dir, keyring } = config;
  const trust = { allowInsecurePermissions: config.allow_insecure_permissions };
  const keys: SourcedKey[] = [];
  const notes: string[] = [];
  if (keys_file !== undefined) keys.push(...readKeysFile(keys_file, trust));
  if (keys_dir !== undefined) keys.push(...readKeysDir(keys_dir, trust));
  if (keyring !== undefined) {
    const opened = await openKeyring(keyring, await passwordOf(keyring, trust, passwords), trust);
    keys.push(...opened.keys);
    notes.push(...opened.skipped.map((what) => `${what}: skipped`));
  }
  if (keys.length === 0)
    throw new AppError("KEYS_MISSING", "no source of keys is configured, or none holds a key");
  const ring = keyRingOf(keys);
  for (const { address, from } of ring.sources)
    if (from.length > 1)
      notes.push(`the key of ${address} is given ${from.length} times: ${from.join(", ")}`);
  return { ring, notes };
}

async function passwordOf(
  { backend, password_file, password_env }: KeyringConfig,
  trust: Trust,
  { environment, ask }: PasswordSource,
): Promise<string> {
  // The SDK's own, for every keyring of this kind.
  if (backend === "test") return "test";
  if (password_file !== undefined)
    return given(firstLine(readPrivateFile(password_file, trust)), `${password_file} is empty`);
  if (password_env !== undefined)
    return given(environment(password_env), `the environment has no variable ${password_env}`);
  return given(
    firstLine((await ask("Password of the keyring: ")) ?? ""),
    "no keys.keyring.password_file or password_env is set, and nobody entered one",
  );
}

function given(password: string | undefined, why: string): string {
  if (password !== undefined && password !== "") return password;
  throw new AppError("KEYRING_PASSWORD_MISSING", "there is no password for the keyring", { why });
}

const firstLine = (text: string): string => text.split(/\r?\n/, 1)[0] ?? "";
