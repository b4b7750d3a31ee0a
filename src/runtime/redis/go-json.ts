import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { AppError, toError } from "../../base/errors.ts";

/**
 * The JSON of Go's encoding/json for structs (relay-path 1.10): a declared order of keys, 64-bit integers as numbers, bytes as
 * base64, zero values left out where the struct says omitempty. A row of a struct is one of the makers below.
 */
export type JsonField<T> = {
  readonly key: string;
  /** Undefined leaves the key out. */
  readonly write: (value: T) => string | undefined;
  readonly read: (json: unknown) => Partial<T>;
};

export type JsonCodec<T> = {
  write(value: T): string;
  /** Throws AppError REDIS_BAD_VALUE. Unknown keys are ignored, missing ones take their zero value. */
  read(json: unknown): T;
};

/** Go escapes what HTML might take for markup, and the two line ends JavaScript once disliked. */
const goString = (text: string): string =>
  JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

const bad = (expected: string): AppError =>
  new AppError("REDIS_BAD_VALUE", `a stored JSON value is not ${expected}`);

export const jsonText: JsonCodec<string> = {
  write: goString,
  read: (json) => {
    if (json === undefined || json === null) return "";
    if (typeof json === "string") return json;
    throw bad("a string");
  },
};

export const jsonInteger: JsonCodec<bigint> = {
  write: (value) => value.toString(),
  read: (json) => {
    if (json === undefined || json === null) return 0n;
    if (typeof json === "number" && Number.isSafeInteger(json)) return BigInt(json);
    if (typeof json === "string" && /^-?\d+$/.test(json)) return BigInt(json);
    throw bad("an integer");
  },
};

export const jsonNumber: JsonCodec<number> = {
  write: (value) => value.toString(),
  read: (json) => {
    if (json === undefined || json === null) return 0;
    if (typeof json === "number") return json;
    throw bad("a number");
  },
};

export const jsonBoolean: JsonCodec<boolean> = {
  write: (value) => (value ? "true" : "false"),
  read: (json) => {
    if (json === undefined || json === null) return false;
    if (typeof json === "boolean") return json;
    throw bad("true or false");
  },
};

export const jsonBytes: JsonCodec<Uint8Array> = {
  write: (value) => `"${Buffer.from(value).toString("base64")}"`,
  read: (json) => Uint8Array.from(Buffer.from(jsonText.read(json), "base64")),
};

export const jsonList = <T>(item: JsonCodec<T>): JsonCodec<readonly T[]> => ({
  write: (values) => `[${values.map((value) => item.write(value)).join(",")}]`,
  read: (json) => {
    if (json === undefined || json === null) return [];
    if (Array.isArray(json)) return json.map((value) => item.read(value));
    throw bad("a list");
  },
});

/** A Go slice that is nil while empty. */
export const jsonNilList = <T>(item: JsonCodec<T>): JsonCodec<readonly T[]> => {
  const list = jsonList(item);
  return { write: (values) => (values.length === 0 ? "null" : list.write(values)), read: list.read };
};

/** A map with uint64 keys, which Go writes as decimal strings in the order of their text. */
export const jsonMap = <V>(of: JsonCodec<V>): JsonCodec<ReadonlyMap<bigint, V>> => ({
  write: (map) => {
    if (map.size === 0) return "null";
    const entries = [...map].map(([key, value]) => [key.toString(), of.write(value)] as const);
    entries.sort(([left], [right]) => (left < right ? -1 : 1));
    return `{${entries.map(([key, value]) => `"${key}":${value}`).join(",")}}`;
  },
  read: (json) => {
    if (json === undefined || json === null) return new Map();
    if (typeof json !== "object") throw bad("an object");
    return new Map(Object.entries(json).map(([key, value]) => [jsonInteger.read(key), of.read(value)]));
  },
});

/** A key that is always written. */
export function field<T, K extends keyof T>(key: string, name: K, of: JsonCodec<T[K]>): JsonField<T> {
  return {
    key,
    write: (value) => of.write(value[name]),
    read: (json) => ({ [name]: of.read(json) }) as unknown as Partial<T>,
  };
}

const EMPTY_TEXTS: ReadonlySet<string> = new Set(['""', "0", "false", "null", "[]", "{}"]);

/** A key that is left out while its value is zero or empty (Go's omitempty). */
export function optional<T, K extends keyof T>(key: string, name: K, of: JsonCodec<T[K]>): JsonField<T> {
  const always = field<T, K>(key, name, of);
  return {
    ...always,
    write: (value) => {
      const text = value[name] === undefined ? "null" : of.write(value[name]);
      return EMPTY_TEXTS.has(text) ? undefined : text;
    },
  };
}

/** A pointer or a value that may be undefined on our side: absent key and undefined go together. */
export function absent<T, K extends keyof T>(
  key: string,
  name: K,
  of: JsonCodec<NonNullable<T[K]>>,
): JsonField<T> {
  return {
    key,
    write: (value) => {
      const held = value[name];
      return held === undefined || held === null ? undefined : of.write(held);
    },
    read: (json) =>
      (json === undefined || json === null ? {} : { [name]: of.read(json) }) as unknown as Partial<T>,
  };
}

export const struct = <T>(...fields: readonly JsonField<T>[]): JsonCodec<T> => ({
  write: (value) => {
    const parts: string[] = [];
    for (const { key, write } of fields) {
      const text = write(value);
      if (text !== undefined) parts.push(`"${key}":${text}`);
    }
    return `{${parts.join(",")}}`;
  },
  read: (json) => {
    if (typeof json !== "object" || json === null || Array.isArray(json)) throw bad("an object");
    const source = json as Record<string, unknown>;
    return Object.assign({}, ...fields.map(({ key, read }) => read(source[key]))) as T;
  },
});

/** Strings are skipped whole; an integer too long for a double is turned into a string, which jsonInteger reads. */
const STRING_OR_LONG_INTEGER = /"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g;

/** JSON.parse that loses no digit of a 64-bit integer. Throws AppError REDIS_BAD_VALUE on bad JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(
      text.replace(STRING_OR_LONG_INTEGER, (token) => (token.startsWith('"') ? token : `"${token}"`)),
    ) as unknown;
  } catch (thrown) {
    throw new AppError("REDIS_BAD_VALUE", "a stored value is not JSON", {}, toError(thrown));
  }
}

export const encodeJson = <T>(codec: JsonCodec<T>, value: T): Uint8Array => utf8(codec.write(value));

/** Throws AppError REDIS_BAD_VALUE on bytes that are no such value. */
export function decodeJson<T>(codec: JsonCodec<T>, bytes: Uint8Array): T {
  let text: string;
  try {
    text = fromUtf8(bytes);
  } catch (thrown) {
    throw new AppError("REDIS_BAD_VALUE", "a stored value is not UTF-8", {}, thrown);
  }
  return codec.read(parseJson(text));
}
