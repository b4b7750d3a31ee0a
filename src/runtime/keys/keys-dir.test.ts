import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { AppError } from "../../base/errors.ts";
import { addressOf } from "../../chain/protocol/address.ts";
import { publicKeyOf } from "../../chain/protocol/ecdsa.ts";
import { type LoadedKeys, loadKeys } from "./load-keys.ts";

const root = mkdtempSync(join(tmpdir(), "relayminer-keys-dir-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const keyOf = (digit: string) => digit.repeat(64);
const addressFor = (digit: string) =>
  addressOf(publicKeyOf(new Uint8Array(Buffer.from(keyOf(digit), "hex"))));
const entry = (digit: string, address = addressFor(digit)) =>
  `operator_address: ${address}\nprivate_key_hex: ${keyOf(digit)}\n`;

let made = 0;
function directoryOf(files: Readonly<Record<string, string>>): string {
  made += 1;
  const directory = join(root, `keys-${made}`);
  mkdirSync(directory, { mode: 0o700 });
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(directory, name), text, { mode: 0o600 });
  return directory;
}

const load = (keys_dir: string, allow_insecure_permissions = false): Promise<LoadedKeys> =>
  loadKeys({ keys_dir, allow_insecure_permissions });

async function failure(loading: Promise<unknown>): Promise<AppError> {
  const thrown = await loading.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown instanceof AppError) return thrown;
  throw new Error("no AppError was thrown", { cause: thrown });
}

test("every .yaml, .yml and .json file is a key, and nothing else is", async () => {
  const directory = directoryOf({
    "b.yaml": entry("2"),
    "a.yml": entry("1"),
    "c.json": JSON.stringify({ operator_address: addressFor("3"), private_key_hex: `0x${keyOf("3")}`, x: 1 }),
    "notes.txt": "not a key",
    ".hidden.yaml": "not a key",
  });
  const { ring, notes } = await load(directory);
  expect(ring.addresses()).toEqual([addressFor("1"), addressFor("2"), addressFor("3")]);
  expect(ring.sources[2]).toEqual({ address: addressFor("3"), from: [join(directory, "c.json")] });
  expect(notes).toEqual([]);
});

test("an address that is not the key's, and a file that is no key, are named; no key is shown", async () => {
  const other = directoryOf({ "a.yaml": entry("1"), "b.yaml": entry("2", addressFor("1")) });
  const mismatch = await failure(load(other));
  expect(mismatch.code).toBe("KEYS_MISMATCH");
  expect(mismatch.message).toContain(join(other, "b.yaml"));
  expect(mismatch.fields["why"]).toContain(addressFor("2"));
  for (const text of [
    "",
    "private_key_hex: abc",
    `operator_address: ${addressFor("1")}`,
    `keys: [${keyOf("1")}]`,
  ]) {
    const error = await failure(load(directoryOf({ "a.yaml": entry("1"), "half.yaml": text })));
    expect(error.code).toBe("KEYS_INVALID");
    expect(error.message).toContain("half.yaml");
    expect(JSON.stringify(error.fields) + error.message).not.toContain(keyOf("1").slice(0, 20));
  }
  expect((await failure(load(directoryOf({})))).code).toBe("KEYS_MISSING");
});

test("directory and files must be their owner's alone; the message has the exact command", async () => {
  const directory = directoryOf({ "a.yaml": entry("1") });
  for (const mode of [0o755, 0o777, 0o710, 0o701]) {
    chmodSync(directory, mode);
    const error = await failure(load(directory));
    expect(error.code).toBe("KEYS_PERMISSION");
    expect(error.fields["todo"]).toContain(`chmod 700 ${directory}`);
    expect((await load(directory, true)).ring.addresses()).toEqual([addressFor("1")]);
  }
  chmodSync(directory, 0o700);
  chmodSync(join(directory, "a.yaml"), 0o644);
  expect((await failure(load(directory))).fields["todo"]).toContain(`chmod 600 ${join(directory, "a.yaml")}`);
});

test.runIf(process.geteuid?.() === 0)("a file of another user is refused with the exact chown", async () => {
  const directory = directoryOf({ "a.yaml": entry("1") });
  chownSync(join(directory, "a.yaml"), 4242, 4242);
  const error = await failure(load(directory));
  expect(error.code).toBe("KEYS_PERMISSION");
  expect(error.message).toContain("user id 4242");
  expect(error.fields["todo"]).toContain(`chown 0 ${join(directory, "a.yaml")} && chmod 600`);
});

test("links within the directory are taken, as Kubernetes mounts secrets; links out of it are not", async () => {
  const elsewhere = directoryOf({ "real.yaml": entry("1") });
  const directory = directoryOf({});
  mkdirSync(join(directory, "..v1"), { mode: 0o700 });
  writeFileSync(join(directory, "..v1", "a.yaml"), entry("2"), { mode: 0o600 });
  symlinkSync("..v1", join(directory, "..data"));
  symlinkSync("..data/a.yaml", join(directory, "a.yaml"));
  expect((await load(directory)).ring.addresses()).toEqual([addressFor("2")]);

  // As the kubelet does it: a new folder, then one rename.
  mkdirSync(join(directory, "..v2"), { mode: 0o700 });
  writeFileSync(join(directory, "..v2", "a.yaml"), entry("3"), { mode: 0o600 });
  symlinkSync("..v2", join(directory, "..tmp"));
  renameSync(join(directory, "..tmp"), join(directory, "..data"));
  expect((await load(directory)).ring.addresses()).toEqual([addressFor("3")]);

  symlinkSync(join(elsewhere, "real.yaml"), join(directory, "b.yaml"));
  const error = await failure(load(directory));
  expect(error.code).toBe("KEYS_PERMISSION");
  expect(error.fields["todo"]).toContain(join(elsewhere, "real.yaml"));
  expect((await load(directory, true)).ring.addresses()).toHaveLength(2);
});

test("several sources are one key ring; a source that cannot be read fails them all", async () => {
  const keys_dir = directoryOf({ "a.yaml": entry("1"), "b.yaml": entry("2") });
  const keys_file = join(
    directoryOf({ "keys.yaml": `keys: ["${keyOf("2")}", "${keyOf("3")}"]` }),
    "keys.yaml",
  );
  const both = { keys_file, keys_dir, allow_insecure_permissions: false };
  const { ring, notes } = await loadKeys(both);
  expect(ring.addresses()).toEqual(["2", "3", "1"].map(addressFor));
  expect(notes).toHaveLength(1);
  expect((await failure(loadKeys({ ...both, keys_file: join(root, "none") }))).code).toBe("KEYS_MISSING");
});
