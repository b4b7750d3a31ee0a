import type { Any } from "../../proto/cosmos.ts";
import type { Codec } from "../../proto/wire.ts";

/** The type URL of a message, such as "/pocket.proof.MsgCreateClaim" (mining-path 3.1). */
export const typeUrl = <T>(codec: Codec<T>): string => `/${codec.typeName}`;

/** A message as a transaction carries it. */
export const toAny = <T>(codec: Codec<T>, message: T): Any => ({
  typeUrl: typeUrl(codec),
  value: codec.encode(message),
});
