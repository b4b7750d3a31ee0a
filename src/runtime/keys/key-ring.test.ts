import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { AppError } from "../../base/errors.ts";
import { verifyDigest } from "../../chain/protocol/ecdsa.ts";
import { loadKeys } from "./load-keys.ts";

// relay-path A.1
const APP = "472e42c8bc501c84d17bb99edf7c0b6692095f8f115bbbbf026b067ead25afe3";
const GATEWAY = "9862d995bf81e22908b678fe4e444d8f1999bef3683ed2966d799a2f7df518d3";
const APP_ADDRESS = "pokt1v549fccp7yss32scn3vrdrkvjgkvvee2g622ap";
const GATEWAY_ADDRESS = "pokt1sm4403n9nmf085una5z8hlcv6jw7gx45rp5kps";

const directory = mkdtempSync(join(tmpdir(), "relayminer-keys-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let files = 0;

function keysFile(text: string, mode = 0o600): string {
  files += 1;
  const path = join(directory, `keys-${files}.yaml`);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

const load = async (path: string | undefined, allow_insecure_permissions = false) =>
  (await loadKeys({ keys_file: path, allow_insecure_permissions })).ring;

async function failure(run: () => unknown): Promise<AppError> {
  try {
    await run();
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown;
    throw thrown;
  }
  throw new Error("nothing was thrown");
}

test("keys are read as the Go peer reads them, in order", async () => {
  const keys = await load(
    keysFile(`# suppliers\nkeys:\n  - 0x${APP}\n  - "${GATEWAY.toUpperCase()}"\nother: 1\n`),
  );
  expect(keys.addresses()).toEqual([APP_ADDRESS, GATEWAY_ADDRESS]);
  expect([keys.has(GATEWAY_ADDRESS), keys.has("pokt1nobody")]).toEqual([true, false]);
  const digest = new Uint8Array(32).fill(5);
  const signature = keys.sign(GATEWAY_ADDRESS, digest);
  expect(verifyDigest(keys.publicKey(GATEWAY_ADDRESS), digest, signature)).toBe(true);
  expect(verifyDigest(keys.publicKey(APP_ADDRESS), digest, signature)).toBe(false);
});

test("64 digits without quotes are a key, not a number", async () => {
  for (const digits of [`${"0".repeat(63)}1`, `1e${"0".repeat(62)}`, `0x${"1".repeat(64)}`])
    expect((await load(keysFile(`keys:\n  - ${digits}\n`))).addresses()).toHaveLength(1);
});

test("a key given twice counts once, and is told with its places", async () => {
  const path = keysFile(`keys: ["${APP}", "${GATEWAY}", "0x${APP.toUpperCase()}"]`);
  const { ring, notes } = await loadKeys({ keys_file: path, allow_insecure_permissions: false });
  expect(ring.addresses()).toEqual([APP_ADDRESS, GATEWAY_ADDRESS]);
  expect(notes).toEqual([
    `the key of ${APP_ADDRESS} is given 2 times: entry 1 of ${path}, entry 3 of ${path}`,
  ]);
});

test("a key that is not held signs nothing", async () => {
  const keys = await load(keysFile(`keys: ["${APP}"]`));
  for (const use of [() => keys.sign(GATEWAY_ADDRESS, new Uint8Array(32)), () => keys.publicKey("")])
    expect((await failure(use)).code).toBe("KEY_NOT_HELD");
});

test("a file that others may use is refused, unless that is allowed", async () => {
  for (const mode of [0o640, 0o604, 0o660, 0o620, 0o601, 0o700, 0o644]) {
    const path = keysFile(`keys: ["${APP}"]`, mode);
    const error = await failure(() => load(path));
    expect(error.code).toBe("KEYS_PERMISSION");
    expect(error.message).toContain(`0${mode.toString(8)}`);
    expect(error.fields["todo"]).toContain(`chmod 600 ${path}`);
    expect((await load(path, true)).addresses()).toEqual([APP_ADDRESS]);
  }
  expect((await load(keysFile(`keys: ["${APP}"]`, 0o400))).addresses()).toEqual([APP_ADDRESS]);
});

test("a missing file and what is no file are told apart", async () => {
  expect((await failure(() => load(undefined))).code).toBe("KEYS_MISSING");
  expect((await failure(() => load(join(directory, "none.yaml")))).code).toBe("KEYS_MISSING");
  const folder = join(directory, "folder");
  mkdirSync(folder);
  expect((await failure(() => load(folder, true))).code).toBe("KEYS_UNREADABLE");
});

describe("one bad entry fails the file, named and never shown", () => {
  const zero = "0".repeat(64);
  test.each([
    ["entry 2", `keys:\n  - ${APP}\n  - ${GATEWAY.slice(2)}\n`],
    ["entry 2", `keys:\n  - ${APP}\n  - ${GATEWAY}00\n`],
    ["entry 3", `keys:\n  - ${APP}\n  - ${GATEWAY}\n  - 0X${GATEWAY}\n`],
    ["entry 1", `keys:\n  - [${APP}]\n`],
    ["entry 1", `keys:\n  - {${APP}: 1}\n`],
    ["entry 2", `keys:\n  - ${APP}\n  -\n`],
    ["entry 1: not hex", `keys: ["${APP.slice(1)}z"]`],
    ["entry 2: zero", `keys: ["${APP}", "${zero}"]`],
    ["no list", `keys: ${APP}\n`],
    ["no list", `${APP}`],
    ["no list", "keys: []"],
    ["no list", "keys:"],
    ["no list", ""],
    ["not valid YAML", `keys: ["${APP}"\nother: {`],
    ["not valid YAML", `keys:\n - ${APP}\n${GATEWAY}\n`],
    ["not valid YAML", `keys: ["${APP}"]\nkeys: ["${GATEWAY}"]`],
  ])("%s (%#)", async (where, text) => {
    const error = await failure(() => load(keysFile(text)));
    expect(error.code).toBe("KEYS_INVALID");
    expect(error.message).toContain(where.split(":")[0]);
    const shown = inspect(error, { depth: 9, showHidden: true }).toLowerCase();
    for (const key of [APP, GATEWAY]) expect(shown).not.toContain(key.slice(4, 24));
  });
});
