import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { afterAll, expect, test } from "vitest";
import { AppError } from "../../base/errors.ts";
import { encodeAddress } from "../../chain/protocol/address.ts";
import { type KeysConfig, loadKeys, type PasswordSource } from "./load-keys.ts";

// What the Cosmos SDK wrote: test/vectors/keyring/README.md.
const VECTORS = fileURLToPath(new URL("../../../test/vectors/keyring", import.meta.url));
const PASSWORD = "correct horse";
const bech32 = (hex: string) => encodeAddress(new Uint8Array(Buffer.from(hex, "hex")));
const FIRST = bech32("fc7250a211deddc70ee5a2738de5f07817351cef");
const SECOND = bech32("531260aa2a199e228c537dfa42c82bea2c7c1f4d");

const root = mkdtempSync(join(tmpdir(), "relayminer-keyring-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let made = 0;
/** A copy with the modes that the SDK gives. */
function copy(): string {
  made += 1;
  const dir = join(root, String(made));
  for (const kind of ["keyring-file", "keyring-test"]) {
    cpSync(join(VECTORS, kind), join(dir, kind), { recursive: true });
    chmodSync(join(dir, kind), 0o700);
    for (const file of readdirSync(join(dir, kind))) chmodSync(join(dir, kind, file), 0o600);
  }
  return dir;
}

type Keyring = NonNullable<KeysConfig["keyring"]>;

const load = (dir: string, given: Partial<Keyring> = {}, passwords?: Partial<PasswordSource>) =>
  loadKeys(
    { keyring: { backend: "file", dir, key_names: [], ...given }, allow_insecure_permissions: false },
    { environment: () => undefined, ask: async () => PASSWORD, ...passwords },
  );

async function failure(loading: Promise<unknown>): Promise<AppError> {
  const thrown = await loading.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown instanceof AppError) return thrown;
  throw new Error("no AppError was thrown", { cause: thrown });
}

test("a file keyring gives its keys; what cannot sign is told and skipped", async () => {
  const { ring, notes } = await load(copy());
  expect(new Set(ring.addresses())).toEqual(new Set([FIRST, SECOND]));
  expect(notes).toEqual([expect.stringMatching(/watched\.info is a public key only: skipped/)]);
  expect(ring.sources.map(({ from }) => from[0])).toEqual([
    expect.stringContaining('key "owner/2 50%" of '),
    expect.stringContaining('key "supplier-1" of '),
  ]);
});

test("a test keyring opens with the SDK's own password", async () => {
  const { ring } = await load(copy(), { backend: "test" }, { ask: async () => undefined });
  expect(ring.addresses()).toHaveLength(2);
});

test("key_names chooses, also names that are no file names", async () => {
  const dir = copy();
  expect((await load(dir, { key_names: ["owner/2 50%"] })).ring.addresses()).toEqual([SECOND]);
  const absent = await failure(load(dir, { key_names: ["supplier-1", "supplier-9"] }));
  expect(absent).toMatchObject({
    code: "KEYS_MISSING",
    fields: { why: expect.stringContaining("supplier-1") },
  });
  const watched = await failure(load(dir, { key_names: ["watched"] }));
  expect(watched).toMatchObject({ code: "KEYRING_INVALID", message: 'the key "watched" cannot sign here' });
});

test("the password comes from a private file, a variable, or whoever is asked; and is needed", async () => {
  const dir = copy();
  const password_file = join(root, "password");
  writeFileSync(password_file, `${PASSWORD}\n`, { mode: 0o600 });
  const nobody = { ask: async () => undefined };
  expect((await load(dir, { password_file }, nobody)).ring.addresses()).toHaveLength(2);
  chmodSync(password_file, 0o644);
  expect((await failure(load(dir, { password_file }, nobody))).code).toBe("KEYS_PERMISSION");
  const environment = (name: string) => (name === "RING" ? PASSWORD : undefined);
  expect(
    (await load(dir, { password_env: "RING" }, { ...nobody, environment })).ring.addresses(),
  ).toHaveLength(2);
  for (const given of [{}, { password_env: "OTHER" }])
    expect((await failure(load(dir, given, { ...nobody, environment }))).code).toBe(
      "KEYRING_PASSWORD_MISSING",
    );
});

test("a wrong password and a damaged file are told apart, and neither is shown", async () => {
  const dir = copy();
  const wrong = await failure(load(dir, {}, { ask: async () => "tr0ub4dor" }));
  expect(wrong.code).toBe("KEYRING_PASSWORD_WRONG");
  expect(inspect(wrong, { depth: 9 })).not.toContain("tr0ub4dor");

  const path = join(dir, "keyring-file", "supplier-1.info");
  const whole = readFileSync(path, "utf8");
  const [header = "", key = "", iv = "", text = "", tag = ""] = whole.split(".");
  const flipped = (part: string) => (part.startsWith("A") ? "B" : "A") + part.slice(1);
  const damaged = [
    whole.slice(0, whole.length / 2),
    "",
    "keys: []",
    [header, flipped(key), iv, text, tag].join("."),
    [header, key, iv, flipped(text), tag].join("."),
    [header, key, iv, text, flipped(tag)].join("."),
  ];
  for (const content of damaged) {
    writeFileSync(path, content);
    const error = await failure(load(dir));
    expect(error.code).toBe("KEYRING_INVALID");
    expect(error.message).toContain(path);
    expect(inspect(error, { depth: 9 })).not.toContain(PASSWORD);
  }
});

test("without the SDK's hash of the password, a wrong one is told as such or as damage", async () => {
  const dir = copy();
  rmSync(join(dir, "keyring-file", "keyhash"));
  const error = await failure(load(dir, {}, { ask: async () => "tr0ub4dor" }));
  expect(error).toMatchObject({
    code: "KEYRING_INVALID",
    fields: { why: expect.stringContaining("another password") },
  });
});

test("a keyring that others may use is refused", async () => {
  const dir = copy();
  chmodSync(join(dir, "keyring-file"), 0o750);
  expect((await failure(load(dir))).fields["todo"]).toContain(`chmod 700 ${join(dir, "keyring-file")}`);
  chmodSync(join(dir, "keyring-file"), 0o700);
  chmodSync(join(dir, "keyring-file", "supplier-1.info"), 0o640);
  expect((await failure(load(dir))).code).toBe("KEYS_PERMISSION");
});
