import { z } from "zod";
import { blankIsUnset, unused } from "./fields.ts";
import { loadYaml } from "./load.ts";

/** Where the suppliers' private keys are, in either role's YAML (go-peers 2.2): any of three sources, or several together. */

const backend = () =>
  z.enum(["file", "os", "test", "memory"]).transform((kind, context) => {
    if (kind === "file" || kind === "test") return kind;
    const why = {
      os: 'the keyring of a desktop is not there for a service; move the keys into a "file" keyring (pocketd keys export, then import --keyring-backend file), or into a keys_file',
      memory: "a memory keyring is empty at every start; use a keys_file, a keys_dir or a file keyring",
    };
    context.addIssue({ code: "custom", message: `"${kind}" cannot be used: ${why[kind]}` });
    return z.NEVER;
  });

const keyring = () =>
  z
    .strictObject({
      backend: backend(),
      dir: z.string().min(1),
      app_name: unused(z.string(), "only a desktop's keyring is found by it"),
      key_names: z.array(z.string().min(1)).default([]),
      password_file: z.string().min(1).optional(),
      password_env: z
        .string()
        .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: "not the name of an environment variable" })
        .optional(),
    })
    .refine(({ password_file, password_env }) => password_file === undefined || password_env === undefined, {
      path: ["password_env"],
      error: "give password_file or password_env, not both",
    });

export const keysSchema = () =>
  z
    .strictObject({
      keys_file: blankIsUnset(z.string().optional()),
      keys_dir: blankIsUnset(z.string().optional()),
      keyring: keyring().optional(),
      allow_insecure_permissions: z.boolean().default(false),
    })
    .refine(({ keys_file, keys_dir, keyring: ring }) => keys_file ?? keys_dir ?? ring, {
      error: "one of keys_file, keys_dir and keyring is needed",
    });

const file = z.looseObject({ keys: keysSchema() });

/** The `keys` section of a relayer's or a miner's YAML; the rest of the file is not looked at. Errors as loadYaml's. */
export const loadKeysSection = (path: string): z.output<ReturnType<typeof keysSchema>> =>
  loadYaml(path, file).config.keys;
