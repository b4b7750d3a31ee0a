import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../src/base/bytes.ts";
import {
  MsgDelegateToGateway,
  MsgUndelegateFromGateway,
  MsgUnstakeApplication,
} from "../../src/chain/proto/application.ts";
import {
  type Any,
  BaseAccount,
  ModuleAccount,
  MsgExec,
  MsgExecResponse,
  MsgSend,
  MsgSendResponse,
  PubKey,
} from "../../src/chain/proto/cosmos.ts";
import {
  MsgCreateClaim,
  MsgCreateClaimResponse,
  MsgSubmitProof,
  MsgSubmitProofResponse,
  MsgUpdateProofParams,
} from "../../src/chain/proto/proof.ts";
import { QUERIES, type Query } from "../../src/chain/proto/queries.ts";
import { MsgUpdateSharedParams } from "../../src/chain/proto/shared.ts";
import { MsgStakeSupplier, MsgUnstakeSupplier } from "../../src/chain/proto/supplier.ts";
import { AuthInfo, TxBody, TxRaw } from "../../src/chain/proto/tx.ts";
import { TxMsgData } from "../../src/chain/proto/tx-result.ts";
import { type Codec, schemaOf } from "../../src/chain/proto/wire.ts";
import type { Field, Schema } from "../../src/chain/proto/wire-schema.ts";
import { RECORDINGS_DIR } from "../kit/vectors.ts";

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
type Recording = {
  path: string;
  data: string;
  value?: string;
  request_decoded?: Json;
  value_decoded?: Json;
};

const folder = `${RECORDINGS_DIR}/abci_query`;
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

// What the reference read out of the same bytes, field by field.

const ENUMS = new Map<string, Record<string, number>>([
  ["rpcType", { UNKNOWN_RPC: 0, GRPC: 1, WEBSOCKET: 2, JSON_RPC: 3, REST: 4, COMET_BFT: 5 }],
  ["proofValidationStatus", { PENDING_VALIDATION: 0, VALIDATED: 1, INVALID: 2 }],
]);
const camel = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** A message of ours in the form of protobuf's JSON, but for the names of its fields. */
function toJson(schema: Schema, read: Record<string, unknown>): Json {
  if (schema.typeName === "google.protobuf.Any") return anyToJson(read as Any);
  return Object.fromEntries(schema.fields.map((of) => [of.name, fieldToJson(of, read[of.name])]));
}

function anyToJson({ typeUrl, value }: Any): Json {
  const codec = [BaseAccount, ModuleAccount, MsgSendResponse, PubKey].find(
    ({ typeName }) => `/${typeName}` === typeUrl,
  );
  if (codec === undefined) throw new Error(`no codec for ${typeUrl}`);
  const read = codec.decode(value) as unknown as Record<string, unknown>;
  return { "@type": typeUrl, ...(toJson(schemaOf(codec as Codec<never>), read) as object) };
}

function fieldToJson(of: Field<unknown>, value: unknown): Json {
  if (value === undefined) return null;
  if (of.label === "repeated")
    return (value as unknown[]).map((item) => fieldToJson({ ...of, label: "implicit" }, item));
  if (value instanceof Map)
    return Object.fromEntries(
      [...value].map(([key, item]) => [String(key), toJson(entryOf(of), item as Record<string, unknown>)]),
    );
  if (value instanceof Uint8Array) return value.length === 0 ? null : Buffer.from(value).toString("base64");
  if (typeof value === "bigint") return String(value);
  if (of.schema !== undefined) return toJson(of.schema, value as Record<string, unknown>);
  return value as Json;
}

function entryOf(of: Field<unknown>): Schema {
  const schema = of.schema?.byNumber.get(2)?.schema;
  if (schema === undefined) throw new Error("not a map");
  return schema;
}

/** The recorded JSON with our names, enums as numbers and unset filters as in ours. */
function ours(json: Json, name = ""): Json {
  if (Array.isArray(json)) return json.map((item) => ours(item));
  if (typeof json === "string")
    return ENUMS.get(name)?.[json] ?? (json === "" && isBytes(name) ? null : json);
  if (typeof json !== "object" || json === null) return json;
  return Object.fromEntries(Object.entries(json).map(([key, item]) => [camel(key), ours(item, camel(key))]));
}

const isBytes = (name: string): boolean => ["key", "nextKey", "txBytes"].includes(name);

describe("recorded queries say what the reference read", () => {
  const decodedOnes = recordings.filter(
    ({ recording }) => recording.value_decoded !== undefined && recording.path !== unknown,
  );
  test.each(decodedOnes)("$file", ({ recording }) => {
    const query = byPath.get(recording.path);
    if (query === undefined) throw new Error(`no query for ${recording.path}`);
    const { request, response } = query;
    const asked = request.decode(fromHex(recording.data)) as Record<string, unknown>;
    const answered = response.decode(fromHex(recording.value ?? "")) as Record<string, unknown>;
    const { tx: _, ...recorded } = ours(recording.request_decoded ?? {}) as Record<string, Json>;
    expect(toJson(schemaOf(request), asked)).toMatchObject(recorded);
    expect(toJson(schemaOf(response), answered)).toEqual(ours(recording.value_decoded ?? {}));
  });
});

// Transactions of the chain: every part is written again as the same bytes.

const MESSAGES: readonly Codec<never>[] = [
  MsgSend,
  MsgSendResponse,
  MsgExec,
  MsgExecResponse,
  MsgCreateClaim,
  MsgCreateClaimResponse,
  MsgSubmitProof,
  MsgSubmitProofResponse,
  MsgStakeSupplier,
  MsgUnstakeSupplier,
  MsgUnstakeApplication,
  MsgDelegateToGateway,
  MsgUndelegateFromGateway,
  MsgUpdateProofParams,
  MsgUpdateSharedParams,
  PubKey,
] as unknown as readonly Codec<never>[];
const seen = new Set<string>();

function checkAny({ typeUrl, value }: Any): void {
  const codec = MESSAGES.find(({ typeName }) => `/${typeName}` === typeUrl);
  if (codec === undefined) {
    expect([typeUrl, toHex(value)]).toEqual([expect.stringMatching(/Response$/), ""]);
    return;
  }
  seen.add(codec.typeName);
  const read = codec.decode(value);
  expect(toHex(codec.encode(read))).toBe(toHex(value));
  if (codec.typeName === MsgExec.typeName) for (const inner of MsgExec.decode(value).msgs) checkAny(inner);
}

describe("recorded transactions are written again as the same bytes", () => {
  const txFolder = `${RECORDINGS_DIR}/tx`;
  const lookups = readdirSync(txFolder).filter((file) => file.startsWith("tx_lookup_"));
  test.each(lookups)("%s", (file) => {
    const { result } = JSON.parse(readFileSync(`${txFolder}/${file}`, "utf8")).response.body;
    const bytes = Buffer.from(result.tx, "base64");
    const raw = TxRaw.decode(bytes);
    expect(toHex(TxRaw.encode(raw))).toBe(toHex(bytes));
    const body = TxBody.decode(raw.bodyBytes);
    expect(toHex(TxBody.encode(body))).toBe(toHex(raw.bodyBytes));
    const authInfo = AuthInfo.decode(raw.authInfoBytes);
    expect(toHex(AuthInfo.encode(authInfo))).toBe(toHex(raw.authInfoBytes));
    const keys = authInfo.signerInfos.flatMap(({ publicKey }) => publicKey ?? []);
    const data = Buffer.from(result.tx_result.data ?? "", "base64");
    const answers = TxMsgData.decode(data);
    expect(toHex(TxMsgData.encode(answers))).toBe(toHex(data));
    for (const any of [...body.messages, ...keys, ...answers.msgResponses]) checkAny(any);
  });

  test("and show every message of the list", () => {
    expect(MESSAGES.map(({ typeName }) => typeName).filter((name) => !seen.has(name))).toEqual([]);
  });
});
