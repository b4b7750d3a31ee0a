import { isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import { AppError } from "../../base/errors.ts";
import { type GenesisFile, genesisSchema } from "./schema.ts";

/**
 * Reads a genesis from YAML text. Throws AppError GENESIS_INVALID whose message has a line for each problem, with the line it stands
 * in; `path` is only for that message.
 */
export function parseGenesisText(text: string, path = "genesis"): GenesisFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, merge: true });
  const broken = document.errors[0];
  if (broken !== undefined) throw invalid(path, [broken.message.split("\n")[0] ?? "not YAML"]);
  const given: unknown = document.toJS({ maxAliasCount: 100 }) ?? {};
  const result = genesisSchema.safeParse(given);
  if (result.success) return result.data;
  const lineOf = (at: readonly PropertyKey[]) => lineAt(document.contents, at, lines);
  throw invalid(
    path,
    result.error.issues.map((issue) => {
      if (issue.code === "unrecognized_keys")
        return `${lineOf([...issue.path, issue.keys[0] ?? ""])}unknown key ${issue.keys.map((key) => [...issue.path, key].join(".")).join(", ")}`;
      const where = issue.path.map(String).join(".");
      return `${lineOf(issue.path)}${where === "" ? "" : `${where}: `}${issue.message}`;
    }),
  );
}

const invalid = (path: string, problems: readonly string[]): AppError =>
  new AppError("GENESIS_INVALID", `${path} is not a genesis:\n${problems.join("\n")}`, {
    problems: problems.length,
  });

/** "line 7: " for the deepest part of the path that stands in the file. */
function lineAt(contents: unknown, at: readonly PropertyKey[], lines: LineCounter): string {
  let [node, offset]: [unknown, number | undefined] = [contents, undefined];
  for (const part of at) {
    const pair = isMap(node) ? node.items.find(({ key }) => isScalar(key) && key.value === part) : undefined;
    const next: unknown = isSeq(node) ? node.items[Number(part)] : pair?.value;
    const start = isScalar(pair?.key) ? pair.key.range?.[0] : rangeStart(next);
    if (start === undefined) break;
    [node, offset] = [next, start];
  }
  return offset === undefined ? "" : `line ${lines.linePos(offset).line}: `;
}

const rangeStart = (node: unknown): number | undefined =>
  isMap(node) || isScalar(node) || isSeq(node) ? node.range?.[0] : undefined;
