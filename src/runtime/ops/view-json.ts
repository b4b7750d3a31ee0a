/** Names whose values are Unix milliseconds. */
const TIMES: ReadonlySet<string> = new Set(["readAt", "startedAt", "createdAt", "updatedAt"]);

/** A view for JSON: 64-bit integers as decimal text, times as RFC 3339, what is unknown as null. */
export function viewJson(value: unknown, name = ""): unknown {
  if (value === undefined) return null;
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number" && TIMES.has(name)) return new Date(value).toISOString();
  if (Array.isArray(value)) return value.map((item) => viewJson(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, viewJson(inner, key)]));
}
