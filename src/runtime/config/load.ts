import { readFileSync } from "node:fs";
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { z } from "zod";
import { AppError } from "../../base/errors.ts";
import { nearest } from "./nearest.ts";

type Path = readonly PropertyKey[];

/** A configuration that was read, and the settings in it that do nothing here (told once at start). */
export type Loaded<Config> = {
  readonly config: Config;
  readonly path: string;
  readonly unused: readonly string[];
};

/**
 * Reads a YAML file by a strict schema.
 * Errors: CONFIG_MISSING, CONFIG_UNREADABLE (no access, no YAML), CONFIG_INVALID (every wrong key with its line and the nearest valid one).
 */
export function loadYaml<Schema extends z.ZodType>(path: string, schema: Schema): Loaded<z.output<Schema>> {
  return parseYaml(readText(path), path, schema);
}

/** The same for text that is already in memory; `path` is only for messages. */
export function parseYaml<Schema extends z.ZodType>(
  text: string,
  path: string,
  schema: Schema,
): Loaded<z.output<Schema>> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, merge: true });
  const broken = document.errors[0];
  if (broken)
    throw new AppError(
      "CONFIG_UNREADABLE",
      `${path} is not YAML`,
      { why: broken.message.split("\n")[0] ?? "" },
      broken,
    );
  const lineOf = (at: Path) => lineAt(document.contents, at, lines);
  const read = withoutDisabled(schema, document.toJS({ maxAliasCount: 100 }) ?? {});
  const given = withoutBlanks(schema, read);
  const result = schema.safeParse(given);
  if (!result.success) {
    const told = result.error.issues.flatMap((issue) => tell(issue, schema, lineOf));
    throw new AppError("CONFIG_INVALID", `${path} is not valid`, {
      why: told.slice(0, 12).join("\n"),
      problems: told.length,
    });
  }
  return { config: result.data, path, unused: unusedIn(schema, given) };
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    const missing = (thrown as NodeJS.ErrnoException).code === "ENOENT";
    const message = missing
      ? `There is no configuration at ${path}`
      : `The configuration ${path} cannot be read`;
    throw new AppError(missing ? "CONFIG_MISSING" : "CONFIG_UNREADABLE", message, {}, thrown);
  }
}

function tell(issue: z.core.$ZodIssue, schema: z.ZodType, lineOf: (at: Path) => string): string[] {
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => {
      const valid = keysAt(schema, issue.path);
      const guess = nearest(key, valid);
      const hint = guess === undefined ? `valid keys: ${valid.join(", ")}` : `did you mean "${guess}"?`;
      return `${lineOf([...issue.path, key])}unknown key "${[...issue.path, key].join(".")}"; ${hint}`;
    });
  const name = issue.path.length > 0 ? `${issue.path.map(String).join(".")}: ` : "";
  return [`${lineOf(issue.path)}${name}${issue.message}`];
}

/** "line 7: " for the deepest part of the path that stands in the file, or "" for an empty file. */
function lineAt(contents: unknown, at: Path, lines: LineCounter): string {
  let node = contents;
  let offset: number | undefined;
  for (const part of at) {
    const pair = isMap(node)
      ? node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part))
      : undefined;
    const next: unknown = pair ? pair.value : isSeq(node) ? node.items[Number(part)] : undefined;
    if (pair === undefined && next === undefined) break;
    offset = (isScalar(pair?.key) ? pair.key.range?.[0] : (next as Node).range?.[0]) ?? offset;
    node = next;
  }
  return offset === undefined ? "" : `line ${lines.linePos(offset).line}: `;
}

type Def = {
  innerType?: z.ZodType;
  shape?: Record<string, z.ZodType>;
  valueType?: z.ZodType;
  element?: z.ZodType;
  in?: z.ZodType;
  out?: z.ZodType;
};

function unwrap(schema: z.ZodType): z.ZodType {
  const def = schema.def as Def;
  // What precedes a schema (z.preprocess) is a pipe as well as what follows it (transform).
  const inner = def.innerType ?? (def.in instanceof z.ZodTransform ? def.out : def.in);
  return inner ? unwrap(inner) : schema;
}

function childOf(schema: z.ZodType, key: PropertyKey): z.ZodType | undefined {
  const def = unwrap(schema).def as Def;
  return def.shape?.[String(key)] ?? def.valueType ?? def.element;
}

function keysAt(schema: z.ZodType, at: Path): string[] {
  let node: z.ZodType | undefined = schema;
  for (const part of at) node = node && childOf(node, part);
  return node ? Object.keys((unwrap(node).def as Def).shape ?? {}) : [];
}

/** The file without the sections that are not enabled and need not be valid then. */
function withoutDisabled(schema: z.ZodType, given: unknown): unknown {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return given;
  const isOff = ([key, section]: [string, unknown]) =>
    childOf(schema, key)?.meta()?.["onlyWhenEnabled"] === true &&
    (section === null || (typeof section === "object" && !isTouched(section)));
  return Object.fromEntries(Object.entries(given).filter((entry) => !isOff(entry)));
}

/** Whether `enabled` says anything but no. What is neither is for the schema to refuse. */
const isTouched = (section: object): boolean =>
  "enabled" in section && section.enabled !== false && section.enabled !== null;

/** The file without the blanks that mean "not given" (fields.ts, `blankIsUnset`). */
function withoutBlanks(schema: z.ZodType, given: unknown): unknown {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return given;
  const kept = Object.entries(given).flatMap(([key, value]) => {
    const child = childOf(schema, key);
    if (child === undefined) return [[key, value]];
    if (child.meta()?.["blankIsUnset"] === true && isBlank(value, unwrap(child).def.type)) return [];
    return [[key, withoutBlanks(child, value)]];
  });
  return Object.fromEntries(kept);
}

/** Nothing, or what is empty of its kind: `password: 0` is no blank, and refused as no text. */
function isBlank(value: unknown, kind: string): boolean {
  if (value === null) return true;
  if (kind === "number") return value === 0;
  if (kind === "array") return Array.isArray(value) && value.length === 0;
  return value === "";
}

/** Dotted names of settings that were given, are valid, and have no effect here (their schema carries `meta({ unused: why })`). */
function unusedIn(schema: z.ZodType, given: unknown, prefix = ""): string[] {
  if (typeof given !== "object" || given === null) return [];
  return Object.entries(given).flatMap(([key, value]) => {
    const child = childOf(schema, key);
    if (!child) return [];
    const why = child.meta()?.["unused"];
    return typeof why === "string" ? [`${prefix}${key}: ${why}`] : unusedIn(child, value, `${prefix}${key}.`);
  });
}
