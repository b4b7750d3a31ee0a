import type { Codec } from "../../../chain/proto/wire.ts";
import type { BlockContext } from "../../context.ts";
import type { ChainState } from "../../state.ts";
import type { TxError } from "../tx-error.ts";

/** How the chain treats one type of message. */
export type MessageType = {
  readonly typeUrl: string;
  /** As the `module` attribute of its message event. */
  readonly module: string;
  /** Throws AppError BAD_PROTO. */
  decode(bytes: Uint8Array): DecodedMessage;
};

/** A message of a transaction, bound to its own rules. */
export type DecodedMessage = {
  readonly type: MessageType;
  /** The address text that must sign. */
  readonly signer: string;
  readonly gas: number;
  /** The check that needs no state (chain 4.1 step 3). */
  stateless(): TxError | undefined;
  /** Runs the handler and returns the bytes of its response. Throws HandlerError or TxError; the caller then drops the state. */
  run(state: ChainState, ctx: BlockContext): Uint8Array;
};

type Rules<T> = {
  readonly module?: string;
  signer(message: T): string;
  gas(message: T): number;
  stateless?(message: T): TxError | undefined;
  /** Nothing means an empty response. */
  handle(state: ChainState, message: T, ctx: BlockContext): Uint8Array | undefined;
};

const EMPTY_RESPONSE = new Uint8Array();

/** Binds a codec to the rules of its message. */
export function messageType<T>(codec: Codec<T>, rules: Rules<T>): MessageType {
  const type: MessageType = {
    typeUrl: `/${codec.typeName}`,
    module: rules.module ?? codec.typeName.split(".")[1] ?? "",
    decode: (bytes) => {
      const message = codec.decode(bytes);
      return {
        type,
        signer: rules.signer(message),
        gas: rules.gas(message),
        stateless: () => rules.stateless?.(message),
        run: (state, ctx) => rules.handle(state, message, ctx) ?? EMPTY_RESPONSE,
      };
    },
  };
  return type;
}
