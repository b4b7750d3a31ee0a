import { internalError } from "./rpc-error.ts";

/** Composite key (`type.attribute`) to all its values, as CometBFT indexes and publishes them. */
export type EventMap = Readonly<Record<string, readonly string[]>>;
export type EventQuery = (events: EventMap) => boolean;

type Token = {
  readonly kind: "and" | "operator" | "tag" | "text" | "number";
  readonly text: string;
  readonly at: number;
};

const OPERATORS = [
  "<= operator",
  ">= operator",
  "< operator",
  "> operator",
  "= operator",
  "CONTAINS operator",
];
const WANTED = `${OPERATORS.join(", ")} or EXISTS operator`;
const TOKEN =
  /\s*(?:(AND)\b|(<=|>=|<|>|=|CONTAINS\b|EXISTS\b)|'([^']*)'|(-?\d+(?:\.\d+)?)(?![\w.])|([^\s'=<>()"]+))/y;

/** Reads `a.b='c' AND d > 5`: a subscription's or a search's condition. Throws -32603 with a node's text when it is none. */
export function parseEventQuery(text: string): EventQuery {
  const tokens = tokenize(text);
  const conditions: EventQuery[] = [];
  let at = 0;
  for (;;) {
    const { condition, next } = readCondition(tokens, at, text);
    conditions.push(condition);
    const and = tokens[next];
    if (and === undefined) return (events) => conditions.every((matches) => matches(events));
    if (and.kind !== "and") throw bad(and, "AND operator");
    at = next + 1;
  }
}

function readCondition(tokens: readonly Token[], at: number, text: string) {
  const [tag, operator, operand] = tokens.slice(at, at + 3);
  if (tag?.kind !== "tag") throw bad(tag ?? end(text), "tag");
  if (operator?.kind !== "operator") throw bad(operator ?? end(text), WANTED);
  if (operator.text === "EXISTS")
    return { condition: (events: EventMap) => (events[tag.text]?.length ?? 0) > 0, next: at + 2 };
  if (operand?.kind !== "text" && operand?.kind !== "number") throw bad(operand ?? end(text), "a value");
  const compare = comparison(operator.text, operand);
  return { condition: (events: EventMap) => (events[tag.text] ?? []).some(compare), next: at + 3 };
}

function comparison(operator: string, operand: Token): (value: string) => boolean {
  if (operator === "CONTAINS") return (value) => value.includes(operand.text);
  if (operand.kind === "text") return (value) => operator === "=" && value === operand.text;
  const wanted = Number(operand.text);
  return (value) => {
    const number = Number(/-?\d+(\.\d+)?/.exec(value)?.[0] ?? Number.NaN);
    if (operator === "=") return number === wanted;
    if (operator === "<") return number < wanted;
    if (operator === "<=") return number <= wanted;
    return operator === ">" ? number > wanted : number >= wanted;
  };
}

function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (text.slice(TOKEN.lastIndex).trim() !== "") {
    const from = TOKEN.lastIndex;
    const found = TOKEN.exec(text);
    if (found === null) throw internalError(`failed to parse query: offset ${from}: unexpected character`);
    const [whole, and, operator, quoted, number, tag] = found;
    const at = from + (whole.length - whole.trimStart().length);
    if (and !== undefined) tokens.push({ kind: "and", text: and, at });
    else if (operator !== undefined) tokens.push({ kind: "operator", text: operator, at });
    else if (quoted !== undefined) tokens.push({ kind: "text", text: quoted, at });
    else if (number !== undefined) tokens.push({ kind: "number", text: number, at });
    else tokens.push({ kind: "tag", text: tag ?? "", at });
  }
  return tokens;
}

const end = (text: string) => ({ kind: "end of input", at: text.length });
const bad = (token: { readonly kind: string; readonly at: number }, wanted: string) =>
  internalError(`failed to parse query: offset ${token.at}: got ${token.kind}, wanted ${wanted}`);
