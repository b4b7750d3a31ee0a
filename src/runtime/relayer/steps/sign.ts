import { RelayRequest, RelayResponse } from "../../../chain/proto/service.ts";
import { errorResponse } from "../../../chain/protocol/error-answer.ts";
import { type AnsweredRelay, answerRelay } from "../../../chain/protocol/relay-answer.ts";
import type { KeyRing } from "../../keys/key-ring.ts";
import type { DecodedRelay } from "./decode.ts";

/** Signs the answer once: the bytes the client gets are the bytes that are mined (architecture 3). */
export const sign = (
  { request, supplier }: DecodedRelay,
  payload: Uint8Array,
  keys: KeyRing,
): AnsweredRelay => answerRelay(request, payload, (digest) => keys.sign(supplier, digest));

/** The signed answer that tells why there is no other (relay-path 4.1). */
export const signError = (
  { request, supplier }: DecodedRelay,
  code: number,
  text: string,
  keys: KeyRing,
): Uint8Array =>
  RelayResponse.encode(
    errorResponse({
      request: RelayRequest.decode(request.bytes),
      code,
      text,
      sign: (digest) => keys.sign(supplier, digest),
    }),
  );
