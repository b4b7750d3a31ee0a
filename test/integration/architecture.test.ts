import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);
let copy = "";

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "relayminer-layers-"));
  for (const name of [".dependency-cruiser.cjs", "tsconfig.json", "tsconfig.build.json", "package.json"])
    cpSync(join(ROOT, name), join(copy, name));
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

/** The names of the rules that a tree of these files breaks. */
async function brokenRules(files: Record<string, string>): Promise<string[]> {
  rmSync(join(copy, "src"), { recursive: true, force: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    writeFileSync(join(copy, path), text);
  }
  const cruise = join(ROOT, "node_modules/dependency-cruiser/bin/dependency-cruise.mjs");
  const args = [cruise, "--config", ".dependency-cruiser.cjs", "--output-type", "json", "src"];
  const { stdout } = await run(process.execPath, args, { cwd: copy, maxBuffer: 1 << 26 }).catch(
    (failed: { stdout: string }) => failed,
  );
  const report = JSON.parse(stdout) as { summary: { violations: { rule: { name: string } }[] } };
  return report.summary.violations.map((violation) => violation.rule.name);
}

const CLEAN = {
  "src/base/bytes.ts": "export const EMPTY = new Uint8Array();\n",
  "src/smst/trie.ts": 'import { EMPTY } from "../base/bytes.ts";\nexport const root = EMPTY;\n',
};

test("a tree that keeps to the layers passes", async () => {
  expect(await brokenRules(CLEAN)).toEqual([]);
});

test.each([
  [
    "layer:smst",
    { "src/smst/bad.ts": 'export { x } from "../chain/x.ts";\n', "src/chain/x.ts": "export const x = 1;\n" },
  ],
  [
    "pure-smst",
    { "src/smst/bad.ts": 'import { readFileSync } from "node:fs";\nexport const x = readFileSync;\n' },
  ],
  [
    "door:ioredis",
    { "src/runtime/miner/bad.ts": 'import { Redis } from "ioredis";\nexport const x = Redis;\n' },
  ],
  [
    "inner:runtime/relayer",
    {
      "src/runtime/relayer/bad.ts": 'export { x } from "../miner/x.ts";\n',
      "src/runtime/miner/x.ts": "export const x = 1;\n",
    },
  ],
  [
    "transports-know-only-the-pipeline",
    {
      "src/runtime/relayer/transports/bad.ts": 'export { x } from "../steps/x.ts";\n',
      "src/runtime/relayer/steps/x.ts": "export const x = 1;\n",
    },
  ],
])("a planted violation is caught: %s", async (rule, planted) => {
  expect(await brokenRules({ ...CLEAN, ...planted })).toContain(rule);
});
