import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

type Row = { readonly id: string; readonly state: string; readonly here: string };

const rows: readonly Row[] = readFileSync("docs/concerns.md", "utf8")
  .split("\n")
  .flatMap((line) => {
    const [, id, state, here] = /^\| (\w+) \| .+ \| (done|partly|not yet) \| (.+) \|$/.exec(line) ?? [];
    return id && state && here ? [{ id, state, here }] : [];
  });

const numbered = (letter: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${letter}${index + 1}`);
const IDS = Object.entries({ D: 7, B: 2, S: 3, P: 3, F: 5, L: 4, X: 3, M: 3, T: 5, H: 16 }).flatMap(
  ([letter, count]) => numbered(letter, count),
);

/** In "`file.test.ts` "title", "title"": every title with the file before it. */
function testsOf({ here }: Row): { readonly file: string; readonly title: string }[] {
  let file = "";
  return [...here.matchAll(/`([^`]+)`|"([^"]+)"/g)].flatMap(([, path, title]) => {
    if (path !== undefined) file = path;
    return title === undefined ? [] : [{ file, title }];
  });
}

test("every concern has one row with a state", () => {
  expect(rows.map(({ id }) => id)).toEqual(IDS);
});

test("a test that is named exists", () => {
  const missing = rows.flatMap((row) =>
    testsOf(row)
      .filter(({ file, title }) => !readFileSync(file, "utf8").includes(`"${title}"`))
      .map(({ file, title }) => `${row.id}: ${file} "${title}"`),
  );
  expect(missing).toEqual([]);
});

test("what is done names a test, what is not done says what is missing", () => {
  const bare = rows.filter((row) =>
    row.state === "done" ? testsOf(row).length === 0 : row.state === "partly" && !/Missing: /.test(row.here),
  );
  expect(bare.map(({ id }) => id)).toEqual([]);
});
