import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { z } from "zod";
// @ts-expect-error: a script, plain JavaScript
import * as page from "../../scripts/config-doc.mjs";
// @ts-expect-error: a script, plain JavaScript
import * as words from "../../scripts/config-meanings.mjs";
import { minerSchema } from "../../src/runtime/config/miner.ts";
import { relayerSchema } from "../../src/runtime/config/relayer.ts";

type Key = { readonly path: string; readonly unused: string | undefined; readonly later: object | undefined };
type Role = { readonly file: string; readonly about: string };
type Meanings = Readonly<Record<string, string>>;

const { configDoc, keysOf, meaningOf } = page as {
  configDoc(roles: readonly (Role & { readonly schema: z.ZodType })[], meanings: Meanings): string;
  keysOf(schema: z.ZodType): readonly Key[];
  meaningOf(meanings: Meanings, file: string, path: string): string | undefined;
};
const { MEANINGS, ROLES } = words as { MEANINGS: Meanings; ROLES: readonly Role[] };

const SCHEMAS = { "relayer.yaml": relayerSchema, "miner.yaml": minerSchema };
const roles = ROLES.map((role) => ({ ...role, schema: SCHEMAS[role.file as keyof typeof SCHEMAS] }));
const keys = roles.flatMap(({ file, schema }) => keysOf(schema).map((key) => ({ ...key, file })));

test("docs/configuration.md is what the schemas say; `npm run docs` writes it", () => {
  expect(readFileSync("docs/configuration.md", "utf8")).toBe(configDoc(roles, MEANINGS));
});

test("every key has a meaning or says why it has no effect, and no meaning is left over", () => {
  const untold = keys
    .filter(({ file, path, unused, later }) => !(meaningOf(MEANINGS, file, path) ?? unused ?? later))
    .map(({ file, path }) => `${file} ${path}`);
  expect(untold).toEqual([]);
  const known = new Set(keys.flatMap(({ file, path }) => [path, `${file} ${path}`]));
  expect(Object.keys(MEANINGS).filter((name) => !known.has(name))).toEqual([]);
});

const code = sources("src/runtime")
  .filter((path) => !path.includes("runtime/config/"))
  .map((path) => readFileSync(path, "utf8"))
  .join("\n");

test("every setting is read by the code, or says that it has no effect: none is ignored in silence", () => {
  const unread = keys
    .filter(({ unused, later }) => unused === undefined && later === undefined)
    .filter(({ path }) => {
      const name = path.split(".").findLast((part) => !part.startsWith("<")) ?? "";
      return !new RegExp(`\\b${name}\\b`).test(code);
    })
    .map(({ file, path }) => `${file} ${path}`);
  expect(unread).toEqual([]);
});

function sources(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /(?<!\.test)\.tsx?$/.test(entry.name) ? [path] : [];
  });
}
