import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { VECTORS_DIR } from "../kit/vectors.ts";
import { fromHex, toHex } from "../../src/base/bytes.ts";
import { QUERIES, type Query } from "../../src/chain/proto/queries.ts";

type Recording = { path: string; data: string; value?: string };

const folder = `${VECTORS_DIR}/recordings/abci_query`;
const recordings = readdirSync(folder).map((file) => ({
  file,
  recording: JSON.parse(readFileSync(`${folder}/${file}`, "utf8")) as Recording,
}));
const byPath = new Map<string, Query<object, object>>(
  Object.values(QUERIES).map((query) => [query.path, query as unknown as Query<object, object>]),
);
const unknown = "/pocket.shared.Query/NoSuchMethod";

describe("recorded queries are written again as the same bytes", () => {
  test.each(recordings.filter(({ recording }) => recording.path !== unknown))("$file", ({ recording }) => {
    const query = byPath.get(recording.path);
    if (query === undefined) throw new Error(`no query for ${recording.path}`);
    const { request, response } = query;
    expect(toHex(request.encode(request.decode(fromHex(recording.data))))).toBe(recording.data);
    const value = recording.value ?? "";
    expect(toHex(response.encode(response.decode(fromHex(value))))).toBe(value);
  });
});
