/** docs/configuration.md from the schemas that read the files: keys, types and defaults are theirs, meanings stand in config-meanings.mjs. */
import { z } from "zod";

/**
 * Every key of a schema, in its order: `{ path, type, fallback, unused, later }`. `<name>` stands for the names of a map, `<a|b>` for
 * keys with one and the same schema. A section that has no effect at all is one row.
 */
export function keysOf(schema) {
  const inner = unwrapped(schema);
  if (schema.meta()?.unused !== undefined || laterOf(schema)) return [rowOf(schema)];
  if (inner.def.type === "record") return under("<name>", keysOf(inner.def.valueType).map(optional));
  if (inner.def.type !== "object") return [rowOf(schema)];
  const { shape, catchall } = inner.def;
  const children = Object.entries(shape).map(([name, child]) => [name, keysOf(child)]);
  if (catchall?.def.type === "object" || catchall?.def.innerType !== undefined)
    children.push(["<name>", keysOf(catchall)]);
  return merged(children).flatMap(([name, keys]) => under(name, keys));
}

/** The page. `roles`: `{ file, schema, about }`; `meanings`: path, or path within one file as `file path`, to a sentence. */
export function configDoc(roles, meanings) {
  const parts = roles.map(({ file, schema, about }) => {
    const groups = new Map([["", []]]);
    for (const key of keysOf(schema)) {
      const group = key.path.includes(".") ? (key.path.split(".", 1)[0] ?? "") : "";
      groups.set(group, [...(groups.get(group) ?? []), key]);
    }
    const tables = [...groups]
      .filter(([, keys]) => keys.length > 0)
      .map(([group, keys]) => `### ${group || "Top level"} (${file})\n\n${table(keys, file, meanings)}`);
    return `## ${file}\n\n${about}\n\n${tables.join("\n\n")}`;
  });
  return `${HEAD}\n\n${parts.join("\n\n")}\n`;
}

/** What a key means, in this file or in every file. */
export const meaningOf = (meanings, file, path) => meanings[`${file} ${path}`] ?? meanings[path];

const HEAD = `<!-- Made by \`npm run docs\` from the schemas in src/runtime/config and the sentences in scripts/config-meanings.mjs. -->

# Configuration

Both roles read one YAML file. Keys, types and defaults are those of the Go HA RelayMiner, so its files load here, but for four differences:

- A key that does not exist is an error that names its line and the nearest valid key. So is a key given twice.
- **Unused** marks a Go setting that is accepted and has no effect; the process says so once when it starts.
- **Not supported yet** marks a setting that is known and refused, because ignoring it would be wrong.
- **Not read yet** marks a setting that is accepted and that this version does not act on. Nothing warns about it.

The metrics listeners listen on 127.0.0.1 by default and the leases are short (6 s), unlike the Go peer's.

\`relayminer relay start --config relayer.yaml --check\` and \`relayminer miner start --config miner.yaml --check\` read a file, tell what in it is unused, and exit.
[examples/relayer.yaml](examples/relayer.yaml) and [examples/miner.yaml](examples/miner.yaml) are files to start from.

Within \`services\` and \`keys\`, and for \`redis.consumer_name\`, a blank (\`""\`, \`0\`, \`[]\`, nothing) in a setting that cannot have that value means what leaving it out means, as in the Go peer's files. Elsewhere it is refused.

A duration is a number with a unit, \`90s\`, \`2h\`, \`1h30m\`. An address is \`host:port\`; \`:port\` means every interface. An empty default means that there is none.`;

function table(keys, file, meanings) {
  const rows = keys.map(({ path, type, fallback, unused, later }) => {
    const marks = [
      unused === undefined ? "" : `**Unused**: ${unused}.`,
      later === undefined ? "" : `**Not supported yet**: ${later.what}.`,
    ];
    const words = [meaningOf(meanings, file, path) ?? "", ...marks].filter((text) => text !== "").join(" ");
    return `| ${[`\`${path}\``, type, fallback, words].map(cell).join(" | ")} |`;
  });
  return ["| key | type | default | meaning |", "|---|---|---|---|", ...rows].join("\n");
}

const cell = (text) => text.replaceAll("|", "\\|");

function under(name, keys) {
  return keys.map((key) => ({ ...key, path: key.path === "" ? name : `${name}.${key.path}` }));
}

/** Neighbours whose keys are equal are shown once. */
function merged(children) {
  const result = [];
  for (const [name, keys] of children) {
    const same = result.find(
      (known) => keys.length > 1 && JSON.stringify(known.keys) === JSON.stringify(keys),
    );
    if (same) same.names.push(name);
    else result.push({ names: [name], keys });
  }
  return result.map(({ names, keys }) => [nameOf(names), keys]);
}

const nameOf = (names) => {
  if (names.includes("<name>")) return "<name>";
  return names.length > 1 ? `<${names.join("|")}>` : names[0];
};

/** The entries of a map may be none. */
const optional = (key) => (key.path === "" ? { ...key, fallback: "" } : key);

const rowOf = (schema) => ({
  path: "",
  type: typeOf(schema),
  fallback: fallbackOf(schema),
  unused: schema.meta()?.unused,
  later: laterOf(schema),
});

/** The layers of a schema, outermost first: optional, default, transform and the like, then what they stand around. */
function layersOf(schema) {
  const { innerType, in: given, out } = schema.def;
  const inner = innerType ?? (given?.def.type === "transform" ? out : given);
  return inner ? [schema, ...layersOf(inner)] : [schema];
}

const unwrapped = (schema) => layersOf(schema).at(-1);

const messagesOf = (schema) =>
  layersOf(schema)
    .flatMap((layer) => layer.def.checks ?? [])
    .map((check) => check._zod.def.error?.({}))
    .filter((message) => typeof message === "string");

/** What is not built, in the words of the schema's own refusal. */
function laterOf(schema) {
  const message = messagesOf(schema).find((text) => text.startsWith("not supported yet: "));
  if (message === undefined) return undefined;
  return { what: message.slice("not supported yet: ".length) };
}

const SIMPLE = { unknown: "any", record: "map", object: "map" };

function typeOf(schema) {
  const inner = unwrapped(schema);
  const { type } = inner.def;
  if (type === "enum")
    return Object.values(inner.def.entries)
      .map((value) => `\`${value}\``)
      .join(", ");
  if (type === "array") return `list of ${typeOf(inner.def.element)}`;
  if (type === "union") return inner.def.options.map((option) => unionPart(option)).join(" or ");
  if (type === "record") return `map to ${typeOf(inner.def.valueType)}`;
  if (type === "number") return numberType(inner);
  const form = messagesOf(schema).find((text) => text.startsWith("expected "));
  return form === undefined ? (SIMPLE[type] ?? type) : form.slice("expected ".length);
}

const unionPart = (option) => {
  const inner = unwrapped(option);
  return inner.def.type === "object" ? `{${Object.keys(inner.def.shape).join(", ")}}` : typeOf(option);
};

function numberType(schema) {
  const { type, minimum, exclusiveMinimum, maximum } = z.toJSONSchema(schema);
  const kind = type === "integer" ? "integer" : "number";
  const low =
    exclusiveMinimum !== undefined ? ` > ${exclusiveMinimum}` : minimum > -1e9 ? ` ≥ ${minimum}` : "";
  const high = maximum < 1e9 ? `, ≤ ${maximum}` : "";
  return `${kind}${low}${high}`;
}

/** The default as YAML; "required" when the key must be there; "" when it may be left out and has none. */
function fallbackOf(schema) {
  const holder = layersOf(schema).find(({ def }) => def.defaultValue !== undefined);
  if (holder !== undefined) return `\`${JSON.stringify(holder.def.defaultValue)}\``;
  return schema.safeParse(undefined).success ? "" : "required";
}
