import { readFileSync } from "node:fs";
import { AppError } from "../../../base/errors.ts";
import { addressOf } from "../../../chain/protocol/address.ts";
import { parsePrivateKey, publicKeyOf } from "../../../chain/protocol/ecdsa.ts";
import { readKeysFile } from "../../../runtime/keys/keys-file.ts";

export type KeyFlags = {
  readonly app?: string | undefined;
  readonly "app-key-file"?: string | undefined;
  readonly "gateway-key-file"?: string | undefined;
  readonly "app-priv-key"?: string | undefined;
  readonly "gateway-priv-key"?: string | undefined;
};

export type GivenKeys = { readonly app: readonly Uint8Array[]; readonly gateway: readonly Uint8Array[] };

/** The private keys that the flags or the environment give. Errors: those of readKeysFile, KEYS_INVALID, USAGE. */
export function givenKeys(flags: KeyFlags): GivenKeys {
  if (flags["app-key-file"] === "-" && flags["gateway-key-file"] === "-")
    throw new AppError("USAGE", "Only one key can be read from stdin", { why: "both key files are -" });
  return {
    app: keysOf(flags["app-key-file"], flags["app-priv-key"]),
    gateway: keysOf(flags["gateway-key-file"], flags["gateway-priv-key"]),
  };
}

function keysOf(file: string | undefined, hex: string | undefined): readonly Uint8Array[] {
  if (file === "-") return [parsePrivateKey(readFileSync(0, "utf8").trim())];
  if (file !== undefined)
    return readKeysFile(file, { allowInsecurePermissions: false, bareKey: true }).map(
      ({ privateKey }) => privateKey,
    );
  return hex === undefined ? [] : [parsePrivateKey(hex)];
}

/** Flags on this command line that show a private key to everybody on the machine. */
export const shownKeys = (argv: readonly string[]): string[] =>
  ["--app-priv-key", "--gateway-priv-key"].filter((flag) =>
    argv.some((argument) => argument === flag || argument.startsWith(`${flag}=`)),
  );

export type Payer = { readonly application: string; readonly signing: readonly Uint8Array[] };

/**
 * Whose relays they are and who signs them: a gateway where a gateway's key is given, else the application. Throws AppError USAGE when the
 * flags leave that open.
 */
export function payerOf(keys: GivenKeys, app: string | undefined): Payer {
  const signing = (own: readonly Uint8Array[]) => (keys.gateway.length > 0 ? keys.gateway : own);
  const [only, ...more] = keys.app;
  if (app !== undefined) {
    const own = keys.app.filter((key) => addressOf(publicKeyOf(key)) === app);
    if (keys.app.length > 0 && own.length === 0)
      throw new AppError("NOT_IN_RING", `The application's key is not that of ${app}`, {
        why: "--app names another application than the key given belongs to",
      });
    if (signing(own).length === 0) throw noKey();
    return { application: app, signing: signing(own) };
  }
  if (only === undefined) throw keys.gateway.length === 0 ? noKey() : noApplication();
  if (more.length > 0)
    throw new AppError("USAGE", "The keys file holds several keys", {
      why: "--app must say which application is meant",
    });
  return { application: addressOf(publicKeyOf(only)), signing: signing([only]) };
}

const noKey = () =>
  new AppError("USAGE", "No key to sign relays with", {
    why: "a relay is signed by its application, or by a gateway that the application has delegated to",
    todo: "Give --app-key-file, or --gateway-key-file with --app; or --localnet, which has its own.",
  });

const noApplication = () =>
  new AppError("USAGE", "A gateway's key alone does not say for whom it signs", {
    why: "the application's address is missing",
    todo: "Add --app <address>.",
  });
