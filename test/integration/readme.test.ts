import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { loadMinerConfig } from "../../src/runtime/config/miner.ts";
import { loadRelayerConfig } from "../../src/runtime/config/relayer.ts";
import { loadKeys } from "../../src/runtime/keys/load-keys.ts";
import { ERRORS, EXIT } from "../../src/runtime/ops/error-table.ts";

const directory = mkdtempSync(join(tmpdir(), "relayminer-docs-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const PAGES = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", ...markdownIn("docs")];

/** Blocks fenced as yaml, with the file that their first line names: `# relayer.yaml`. */
const blocks = PAGES.flatMap((page) =>
  [...readFileSync(page, "utf8").matchAll(/^```ya?ml\n([\s\S]*?)^```$/gm)].map(([, yaml = ""]) => ({
    page,
    name: /^# (\S+)/.exec(yaml)?.[1] ?? "",
    yaml,
  })),
);
const examples = readdirSync("docs/examples").map((name) => ({
  page: `docs/examples/${name}`,
  name,
  yaml: readFileSync(`docs/examples/${name}`, "utf8"),
}));

describe("every YAML file shown is one that loads, and nothing in it is without effect", () => {
  test("the README has one for each role and the keys", () => {
    const inReadme = blocks.filter(({ page }) => page === "README.md").map(({ name }) => name);
    expect(inReadme).toEqual(expect.arrayContaining(["keys.yaml", "relayer.yaml", "miner.yaml"]));
  });

  test.each([...blocks, ...examples])("$page: $name", async ({ name, yaml }) => {
    const path = join(directory, name);
    writeFileSync(path, yaml, { mode: 0o600 });
    if (name === "relayer.yaml") expect(loadRelayerConfig(path).unused).toEqual([]);
    else if (name === "miner.yaml") expect(loadMinerConfig(path).unused).toEqual([]);
    else if (name === "keys.yaml") {
      const { ring } = await loadKeys({ keys_file: path, allow_insecure_permissions: false });
      expect(ring.addresses()).not.toEqual([]);
    } else expect.fail(`"${name}" is no file that this test knows`);
  });
});

const README = readFileSync("README.md", "utf8");

test("the README's table of commands is what the command line has", () => {
  const rows = [...README.matchAll(/^\| ((?:`[a-z ]+`(?:, )?)+) \|/gm)].map(([, cell = ""]) => cell);
  const shown = rows.flatMap((cell) => [...cell.matchAll(/`([a-z ]+)`/g)].map(([, name = ""]) => name));
  const built = commandsIn("src/commands").filter(
    (path) => !readFileSync(path, "utf8").includes("override hidden = true"),
  );
  const names = built.map((path) => path.slice("src/commands/".length, -".ts".length).replaceAll("/", " "));
  expect(new Set(shown)).toEqual(new Set(names));
});

test("the README's exit codes are those that a command can end with", () => {
  const shown = [...README.matchAll(/^\| (\d+) \| /gm)].map(([, code]) => Number(code));
  const used = new Set<number>(Object.values(ERRORS).map(({ exit }) => exit));
  expect(shown).toEqual([...used.add(0).add(EXIT.bug).add(130)].sort((left, right) => left - right));
});

test("pages link to what exists", () => {
  const broken = PAGES.flatMap((page) => {
    const text = readFileSync(page, "utf8");
    const files = [...text.matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)].map(([, file = ""]) => file);
    return files.filter((file) => !exists(join(dirname(page), file))).map((file) => `${page}: ${file}`);
  });
  expect(broken).toEqual([]);
});

test("a file that a page names in the code exists", () => {
  const roots = /`((?:src|test|scripts|docs|bin)\/[\w./-]+\.(?:ts|tsx|lua|mjs|sh|md|yaml|js|json))`/g;
  const missing = PAGES.flatMap((page) =>
    [...readFileSync(page, "utf8").matchAll(roots)]
      .map(([, file = ""]) => file)
      .filter((file) => !exists(file))
      .map((file) => `${page}: ${file}`),
  );
  expect(missing).toEqual([]);
});

function exists(path: string): boolean {
  try {
    readdirSync(path);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === "ENOTDIR";
  }
}

function commandsIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === "base" ? [] : commandsIn(path);
    return entry.name.endsWith(".test.ts") ? [] : [path];
  });
}

function markdownIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return markdownIn(path);
    return entry.name.endsWith(".md") ? [path] : [];
  });
}
