import type { RpcParams } from "./envelope.ts";
import { invalidParams } from "./rpc-error.ts";

type Kind = "int" | "bool" | "text" | "hex" | "base64";
/** Names and kinds of a method's parameters, in positional order. 64-bit integers travel as strings (chain 2.1). */
export type ParamSpec = Readonly<Record<string, Kind>>;

type Values = { int: bigint; bool: boolean; text: string; hex: Uint8Array; base64: Uint8Array };
export type Args<Spec extends ParamSpec> = { readonly [Name in keyof Spec]: Values[Spec[Name]] | undefined };

/** Parameters of a POST, by name or by position. Throws -32602 with the texts a node gives. */
export function readParams<Spec extends ParamSpec>(spec: Spec, params: RpcParams): Args<Spec> {
  const names = Object.keys(spec);
  const given = Array.isArray(params) ? byPosition(names, params) : (params as Record<string, unknown>);
  const entries = names.map((name) => {
    const value = given[name];
    return [name, value === undefined || value === null ? undefined : READ[spec[name] as Kind](value)];
  });
  return Object.fromEntries(entries) as Args<Spec>;
}

function byPosition(names: readonly string[], values: readonly unknown[]): Record<string, unknown> {
  if (values.length !== names.length)
    throw invalidParams(
      `expected ${names.length} parameters (${names.join(" ")}), got ${values.length} (${values.join(" ")})`,
    );
  return Object.fromEntries(values.map((value, index) => [names[index], value]));
}

/** Parameters of the URI form: texts in double quotes, bytes as 0x… or as quoted text. */
export function readQueryParams<Spec extends ParamSpec>(spec: Spec, search: URLSearchParams): Args<Spec> {
  const entries = Object.entries(spec).map(([name, kind]) => {
    const text = search.get(name);
    return [name, text === null || text === "" ? undefined : fromUri(kind, text)];
  });
  return Object.fromEntries(entries) as Args<Spec>;
}

function fromUri(kind: Kind, text: string): unknown {
  const unquoted = /^"(.*)"$/s.exec(text)?.[1];
  if (kind === "hex" || kind === "base64") {
    if (unquoted !== undefined) return new TextEncoder().encode(unquoted);
    return readHex(text.startsWith("0x") ? text.slice(2) : text);
  }
  if (kind === "bool") return text === "true" || text === "1";
  if (kind === "int") return readInt(unquoted ?? text);
  if (unquoted === undefined)
    throw invalidParams(`invalid character '${text[0]}' looking for beginning of value`);
  return unquoted;
}

const READ: { readonly [K in Kind]: (value: unknown) => unknown } = {
  int: readInt,
  bool: (value) => {
    if (typeof value !== "boolean")
      throw invalidParams(`json: cannot unmarshal ${nameOf(value)} into Go value of type bool`);
    return value;
  },
  text: readText,
  hex: (value) => readHex(readText(value)),
  base64: (value) => readBase64(readText(value)),
};

function readInt(value: unknown): bigint {
  if (typeof value !== "string")
    throw invalidParams(`invalid 64-bit integer encoding "${JSON.stringify(value)}", expected string`);
  if (value === "") throw invalidParams("unexpected end of JSON input");
  if (!/^-?(0|[1-9]\d*)$/.test(value))
    throw invalidParams(`invalid character '${value[0]}' looking for beginning of value`);
  return BigInt(value);
}

function readText(value: unknown): string {
  if (typeof value !== "string")
    throw invalidParams(`json: cannot unmarshal ${nameOf(value)} into Go value of type string`);
  return value;
}

function nameOf(value: unknown): string {
  if (typeof value === "boolean") return "bool";
  if (Array.isArray(value)) return "array";
  return typeof value;
}

function readHex(text: string): Uint8Array {
  const bad = /[^0-9a-fA-F]/u.exec(text)?.[0];
  if (bad !== undefined) {
    const point = (bad.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    throw invalidParams(`encoding/hex: invalid byte: U+${point} '${bad}'`);
  }
  if (text.length % 2 !== 0) throw invalidParams("encoding/hex: odd length hex string");
  return new Uint8Array(Buffer.from(text, "hex"));
}

function readBase64(text: string): Uint8Array {
  const bad = text.search(/[^A-Za-z0-9+/=]/);
  if (bad !== -1) throw invalidParams(`illegal base64 data at input byte ${bad}`);
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") !== text)
    throw invalidParams(`illegal base64 data at input byte ${text.length}`);
  return new Uint8Array(bytes);
}
