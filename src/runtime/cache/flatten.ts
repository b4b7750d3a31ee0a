import { toHex } from "../../base/bytes.ts";

/** A field of one copy of a value against another; undefined: that copy lacks it. */
export type Difference = {
  readonly field: string;
  readonly shared: string | undefined;
  readonly chain: string | undefined;
};

/**
 * A chain message as a list of named texts: `stake` → "100upokt", `serviceConfigs[0].serviceId` → "eth". Bytes are hex, absent
 * messages are left out.
 */
export function flatten(value: unknown, name = ""): Map<string, string> {
  if (value === undefined) return new Map();
  if (value instanceof Uint8Array) return new Map([[name, toHex(value)]]);
  if (typeof value !== "object" || value === null) return new Map([[name, String(value)]]);
  if (isCoin(value)) return new Map([[name, `${value.amount}${value.denom}`]]);
  return new Map(children(value, name).flatMap(([child, inner]) => [...flatten(inner, child)]));
}

function children(value: object, name: string): (readonly [string, unknown])[] {
  if (Array.isArray(value)) return value.map((inner, index) => [`${name}[${index}]`, inner] as const);
  if (value instanceof Map)
    return [...value].map(([key, inner]) => [`${name}[${String(key)}]`, inner] as const);
  const prefix = name === "" ? "" : `${name}.`;
  return Object.entries(value).map(([key, inner]) => [`${prefix}${key}`, inner] as const);
}

const isCoin = (value: object): value is { amount: string; denom: string } =>
  Object.keys(value).length === 2 && "amount" in value && "denom" in value;

/** Where two copies of a value differ, in the order of their fields. */
export function differences(shared: unknown, chain: unknown): Difference[] {
  const [left, right] = [flatten(shared), flatten(chain)];
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((field) => left.get(field) !== right.get(field))
    .map((field) => ({ field, shared: left.get(field), chain: right.get(field) }));
}
