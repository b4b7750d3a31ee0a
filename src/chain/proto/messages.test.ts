import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "../../base/bytes.ts";
import * as application from "./application.ts";
import * as cosmos from "./cosmos.ts";
import * as gateway from "./gateway.ts";
import * as httpEnvelope from "./http-envelope.ts";
import * as minedRelay from "./mined-relay.ts";
import * as proof from "./proof.ts";
import { QUERIES } from "./queries.ts";
import * as service from "./service.ts";
import * as session from "./session.ts";
import * as shared from "./shared.ts";
import * as supplier from "./supplier.ts";
import * as tokenomics from "./tokenomics.ts";
import * as tx from "./tx.ts";
import * as txResult from "./tx-result.ts";
import { type Codec, schemaOf } from "./wire.ts";
import type { Field, Schema } from "./wire-schema.ts";

type AnyCodec = Codec<Record<string, unknown>>;

const modules: readonly object[] = [
  application,
  cosmos,
  gateway,
  httpEnvelope,
  minedRelay,
  proof,
  service,
  session,
  shared,
  supplier,
  tokenomics,
  tx,
  txResult,
];
const isCodec = (value: unknown): value is AnyCodec =>
  typeof value === "object" && value !== null && "typeName" in value;
const exported = modules.flatMap((module) => Object.values(module)).filter(isCodec);
const asked = Object.values(QUERIES).flatMap(({ request, response }) => [request, response]);
const codecs = new Map<string, AnyCodec>(
  [...exported, ...(asked as unknown as AnyCodec[])].map((codec) => [codec.typeName, codec]),
);

const text = fc.string({ unit: "binary", maxLength: 12 });
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const SCALARS = {
  string: text,
  bytes: fc.uint8Array({ maxLength: 200 }),
  uint64,
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  uint32: fc.nat({ max: 0xffff_ffff }),
  enum: fc.integer(),
  bool: fc.boolean(),
  // A negative zero counts as zero and is not written.
  double: fc.double().map((value) => value + 0),
  integer: fc.bigInt().map(String),
};

function values(of: Field<unknown>): fc.Arbitrary<unknown> {
  return of.kind === "message" ? messages(of.schema) : SCALARS[of.kind];
}

function field(of: Field<unknown>): fc.Arbitrary<unknown> {
  if (of.label === "repeated") return fc.array(values(of), { maxLength: 3 });
  if (of.label === "map") {
    const [key, value] = of.schema?.fields ?? [];
    if (key === undefined || value === undefined) throw new Error("a map without entries");
    return fc
      .array(fc.tuple(values(key), values(value)), { maxLength: 3 })
      .map((entries) => new Map<unknown, unknown>(entries));
  }
  if (of.label === "present") return fc.option(values(of), { nil: undefined });
  if (of.label === "implicit" && of.zero === undefined)
    return fc.option(fc.uint8Array({ minLength: 1, maxLength: 40 }), { nil: undefined });
  return values(of);
}

/** Any message of the type; of the fields that exclude each other at most one is set. */
function messages(schema: Schema | undefined): fc.Arbitrary<Record<string, unknown>> {
  if (schema === undefined) throw new Error("a message without fields");
  const choices = schema.fields.filter(({ oneof }) => oneof !== undefined).map(({ name }) => name);
  return fc
    .tuple(
      fc.record(Object.fromEntries(schema.fields.map((of) => [of.name, field(of)]))),
      fc.nat({ max: choices.length }),
    )
    .map(([message, chosen]) => {
      const others = choices.filter((_, index) => index !== chosen);
      return { ...message, ...Object.fromEntries(others.map((name) => [name, undefined])) };
    });
}

describe.each([...codecs.values()])("$typeName", (codec) => {
  const schema = schemaOf(codec);

  test("is read as it was written", () => {
    fc.assert(
      fc.property(messages(schema), (message) => {
        const bytes = codec.encode(message);
        const read = codec.decode(bytes);
        expect(read).toEqual(message);
        expect(toHex(codec.encode(read))).toBe(toHex(bytes));
      }),
      { numRuns: 40 },
    );
  });

  test("refuses bad bytes with BAD_PROTO only, and settles after one reading", () => {
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.tuple(messages(schema), fc.nat(), fc.nat({ max: 255 })).map(([message, at, byte]) => {
        const bytes = codec.encode(message);
        if (bytes.length > 0) bytes[at % bytes.length] = byte;
        return bytes;
      }),
    );
    fc.assert(
      fc.property(hostile, (bytes) => {
        const read = attempt(codec, bytes);
        if (read === undefined) return;
        const written = codec.encode(read);
        expect(toHex(codec.encode(codec.decode(written)))).toBe(toHex(written));
      }),
      { numRuns: 40 },
    );
  });

  test("is zero when nothing is on the wire", () => {
    expect(codec.create()).toEqual(codec.decode(new Uint8Array()));
    for (const of of schema.fields)
      if (of.label !== "always") expect(codec.create()[of.name]).toEqual(of.zero);
  });
});

function attempt(codec: AnyCodec, bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    return codec.decode(bytes);
  } catch (thrown) {
    expect(thrown).toMatchObject({ name: "AppError", code: "BAD_PROTO" });
    return undefined;
  }
}

// The .proto files beside this test describe the same messages, for readers and for other tools.

const FOLDER = fileURLToPath(new URL("./", import.meta.url));
const packages = new Map(
  readdirSync(FOLDER)
    .filter((file) => file.endsWith(".proto"))
    .map((file) => readFileSync(`${FOLDER}${file}`, "utf8"))
    .map((source) => [/^package ([\w.]+);$/m.exec(source)?.[1] ?? "", source] as const),
);
const packageOf = (typeName: string): string => typeName.replace(/(\.[A-Z]\w*)+$/, "");
const camel = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** What a .proto file says of a message: its fields, one a line, names as in TypeScript and every enum as "enum". */
function described(typeName: string): string[] {
  const source = packages.get(packageOf(typeName)) ?? "";
  const name = typeName.split(".").at(-1);
  const body = new RegExp(`^( *)message ${name} \\{(?:\\}|\n([^]*?)^\\1\\})$`, "m").exec(source);
  if (body === null) throw new Error(`${typeName} is not described`);
  const enums = [...source.matchAll(/^enum (\w+) /gm)].map(([, found]) => found).concat("int32");
  return (body[2] ?? "")
    .replace(/^ *message [\s\S]*?\}$/gm, "")
    .split("\n")
    .map((line) => line.replace(/\/\/.*$/, "").trim())
    .filter((line) => line !== "")
    .map((line) => line.replace(/\w+(?= = )/, camel))
    .map((line) => line.replace(/^\w+(?= \w+ = )/, (type) => (enums.includes(type) ? "enum" : type)));
}

const NOT_NULL = "(gogoproto.nullable) = false";

/** A field of a codec in the words of a .proto file. */
function inWords(schema: Schema, of: Field<unknown> & { name: string }): string {
  const local = (name = ""): string =>
    packageOf(name) === packageOf(schema.typeName)
      ? (name.replace(`${schema.typeName}.`, "").split(".").at(-1) ?? "")
      : name;
  const [key, value] = of.schema?.fields ?? [];
  const types: Partial<Record<string, string>> = { message: local(of.schema?.typeName), integer: "string" };
  const type = of.label === "map" ? `map<${key?.kind}, ${local(value?.schema?.typeName)}>` : types[of.kind];
  const options: Partial<Record<string, string>> = {
    message: ` [${NOT_NULL}]`,
    integer: ` [(gogoproto.customtype) = "cosmossdk.io/math.Int", ${NOT_NULL}]`,
  };
  const repeated = of.label === "repeated" ? "repeated " : "";
  return `${repeated}${type ?? of.kind} ${of.name} = ${of.number}${of.label === "always" ? options[of.kind] : ""};`;
}

describe(".proto files", () => {
  test("describe the messages that there are, and no others", () => {
    const found = [...packages].flatMap(([name, source]) =>
      [...source.matchAll(/^( *)message (\w+) /gm)].map(([, indent, message]) => {
        const nested = indent === "" ? "" : "ModeInfo.";
        return `${name}.${nested}${message}`;
      }),
    );
    expect(new Set(found)).toEqual(new Set(codecs.keys()));
    expect(found).toHaveLength(codecs.size);
  });

  test.each([...codecs.values()])("$typeName has the fields described", (codec) => {
    const schema = schemaOf(codec);
    const byNumber = schema.fields.toSorted((left, right) => left.number - right.number);
    const isField = (line: string): boolean => line.endsWith(";");
    expect(described(codec.typeName).filter(isField)).toEqual(byNumber.map((of) => inWords(schema, of)));
    const chosen = new Set(
      byNumber.flatMap(({ oneof }) => (oneof === undefined ? [] : [`oneof ${oneof} {`])),
    );
    expect(described(codec.typeName).filter((line) => line.endsWith("{"))).toEqual([...chosen]);
  });
});
