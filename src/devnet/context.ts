import type { MsgCreateClaim, MsgSubmitProof } from "../chain/proto/proof.ts";
import type { ChainState } from "./state.ts";

/** An event of the chain; `attributes` in the order they are printed. The executor adds `msg_index` or `mode`. */
export type ChainEvent = {
  readonly type: string;
  readonly attributes: readonly { readonly key: string; readonly value: string }[];
};

/** Where a handler runs. `height` and `timeMs` are those of the block (in simulation: of the last committed one). */
export type BlockContext = {
  readonly height: bigint;
  readonly timeMs: number;
  emit(event: ChainEvent): void;
};

/** gRPC classes that handlers fail with, in their text form. */
export type GrpcClass =
  | "NotFound"
  | "InvalidArgument"
  | "FailedPrecondition"
  | "PermissionDenied"
  | "Unauthenticated"
  | "Internal"
  | "Unknown"
  | "Unimplemented";

/** A handler's or query's refusal: a gRPC class and its text, without prefix or suffix (chain 3.1, 4.3). */
export class HandlerError extends Error {
  override readonly name = "HandlerError";
  readonly grpcClass: GrpcClass;
  readonly text: string;

  constructor(grpcClass: GrpcClass, text: string) {
    super(text);
    this.grpcClass = grpcClass;
    this.text = text;
  }
}

export type EventValue =
  | string
  | number
  | boolean
  | bigint
  | null
  | readonly EventValue[]
  | { readonly [key: string]: EventValue };

/**
 * A typed event: attributes sorted by field name, values as JSON with 64-bit integers quoted (give them as bigint),
 * 32-bit ones and booleans bare, and enums as their quoted names (mining-path 6.3).
 */
export function typedEvent(type: string, fields: Readonly<Record<string, EventValue>>): ChainEvent {
  const names = Object.keys(fields).toSorted((left, right) => (left < right ? -1 : 1));
  return { type, attributes: names.map((key) => ({ key, value: protoJson(fields[key] ?? null) })) };
}

/** An event of plain texts, in the order given. */
export const plainEvent = (type: string, attributes: Readonly<Record<string, string>>): ChainEvent => ({
  type,
  attributes: Object.entries(attributes).map(([key, value]) => ({ key, value })),
});

/** Go escapes these in JSON text. */
const GO_ESCAPES: Readonly<Record<string, string>> = { "<": "\\u003c", ">": "\\u003e", "&": "\\u0026" };

const protoJson = (value: EventValue): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "bigint" ? inner.toString() : inner,
  ).replace(/[<>&]/g, (character) => GO_ESCAPES[character] ?? character);

/**
 * Claims, proofs and settlement, which the chain calls at their places (chain 5). Handlers throw HandlerError; what they changed is then
 * thrown away. They run after the stateless checks of their message.
 */
export type MoneyHooks = {
  /** Why a message is refused before any state is looked at (chain 4.1 step 3). */
  statelessProblem(
    message: MsgCreateClaim | MsgSubmitProof,
  ): { readonly codespace: string; readonly code: number; readonly text: string } | undefined;
  handleCreateClaim(state: ChainState, message: MsgCreateClaim, ctx: BlockContext): void;
  handleSubmitProof(state: ChainState, message: MsgSubmitProof, ctx: BlockContext): void;
  endBlockProofs(state: ChainState, ctx: BlockContext): void;
  endBlockTokenomics(state: ChainState, ctx: BlockContext): void;
};
