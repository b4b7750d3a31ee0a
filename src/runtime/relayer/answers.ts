import { EMPTY, utf8 } from "../../base/bytes.ts";
import { RelayResponse } from "../../chain/proto/service.ts";
import { buildResponse } from "../../chain/protocol/response-signature.ts";
import type { KeyRing } from "../keys/key-ring.ts";
import type { Exchange } from "./exchange.ts";
import { REJECTS, type Reject } from "./rejects.ts";
import type { DecodedRelay } from "./steps/decode.ts";

/** Rate limited, in the original relay miner's numbers (relay-path 5.6). */
const RATE_LIMITED = { codespace: "relayer_proxy", code: 7 } as const;
/** Its first byte is the tag of no field, so that nobody takes it for an HTTP response; the words are ones that PATH knows (relay-path 6.1). */
const PAYLOAD = utf8("offchain rate limit hit by relayer proxy");

export type AnswerChoices = {
  readonly overLimit: "status" | "signed";
  readonly keys: Pick<KeyRing, "sign">;
};

/** Refuses a relay as its transport does; over HTTP, one over its limit by a signed error where that is chosen (docs/answers.md). */
export function refuse(
  exchange: Exchange,
  relay: DecodedRelay | undefined,
  reject: Reject,
  { overLimit, keys }: AnswerChoices,
): void {
  if (reject.code === "over_limit" && overLimit === "signed" && exchange.transport === "http" && relay)
    exchange.reply(overLimitAnswer(relay, keys), 0);
  else exchange.refuse(reject);
}

/** A signed answer without a response inside: the application has used up its share, and the supplier says so. */
function overLimitAnswer({ header, supplier }: DecodedRelay, keys: Pick<KeyRing, "sign">): Uint8Array {
  const { text } = REJECTS.over_limit;
  const meta = { sessionHeader: header, supplierOperatorAddress: supplier, signature: EMPTY };
  const response = buildResponse({
    request: { meta, payload: EMPTY },
    payload: PAYLOAD,
    relayMinerError: { ...RATE_LIMITED, description: "rate limited", message: text },
    sign: (digest) => keys.sign(supplier, digest),
  });
  return RelayResponse.encode(response);
}
