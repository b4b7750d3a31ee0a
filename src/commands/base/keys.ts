import { Flags } from "@oclif/core";
import { type KeysConfig, loadKeys, type PasswordSource } from "../../runtime/keys/load-keys.ts";

export const insecureKeysFlag = {
  "allow-insecure-key-permissions": Flags.boolean({
    summary:
      "Take keys from files that others than this user can read or change; told in the log at each start",
  }),
};

type WithKeys = { readonly config: { readonly keys: KeysConfig } };

/** A configuration with the flag's say about its keys. */
export function trusting<Loaded extends WithKeys>(
  loaded: Loaded,
  flags: { readonly "allow-insecure-key-permissions": boolean },
): Loaded {
  if (!flags["allow-insecure-key-permissions"]) return loaded;
  const keys = { ...loaded.config.keys, allow_insecure_permissions: true };
  return { ...loaded, config: { ...loaded.config, keys } };
}

/** Reads the keys as a start does. Throws what loadKeys throws. */
export async function checkKeys(config: KeysConfig, passwords: PasswordSource) {
  const { ring, notes } = await loadKeys(config, passwords);
  return { suppliers: ring.addresses().length, notes };
}
