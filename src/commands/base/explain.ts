import { AppError, toError } from "../../base/errors.ts";
import { errorRow } from "../../runtime/ops/error-table.ts";

export type Explained = {
  readonly code: string;
  readonly what: string;
  readonly why: string;
  readonly todo: string;
  readonly docs: string;
  readonly exit: number;
};

/** What the operator reads about a failure: what, why, what to do, where it is documented. */
export function explain(thrown: unknown): Explained {
  const error = toError(thrown);
  const code = error instanceof AppError ? error.code : "UNEXPECTED";
  const row = errorRow(code);
  const fields = error instanceof AppError ? error.fields : {};
  return {
    code,
    what: error.message,
    why: reason(error, fields),
    todo: typeof fields["todo"] === "string" ? fields["todo"] : row.todo,
    docs: `docs/errors.md#${code.toLowerCase()}`,
    exit: row.exit,
  };
}

/** The four lines; a cause of several lines (a list of wrong keys) keeps its lines, indented. */
export function fourLines(explained: Explained): string {
  const { what, code, why, todo, docs } = explained;
  return [
    `✖ ${what} (${code})`,
    ...why.split("\n").map((line) => `  ${line}`),
    `  ${todo}`,
    `  ${docs}`,
  ].join("\n");
}

function reason(error: Error, fields: Readonly<Record<string, unknown>>): string {
  if (typeof fields["why"] === "string") return fields["why"];
  const causes: string[] = [];
  for (let cause = error.cause; cause instanceof Error && causes.length < 4; cause = cause.cause)
    if (cause.message !== "" && !causes.includes(cause.message)) causes.push(cause.message);
  const told = causes.join(": ");
  // What the message or a cause already says needs no second mention.
  const details = Object.entries(fields)
    .filter(([name, value]) => name !== "todo" && !`${error.message} ${told}`.includes(String(value)))
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(", ");
  if (told === "") return details === "" ? "No further detail is known." : details;
  return details === "" ? told : `${told} (${details})`;
}
