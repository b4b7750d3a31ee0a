import { type AnsweredRelay, answerRelay } from "../../../chain/protocol/relay-answer.ts";
import type { KeyRing } from "../../keys/key-ring.ts";
import type { DecodedRelay } from "./decode.ts";

/** Signs the answer once: the bytes the client gets are the bytes that are mined (architecture 3). */
export const sign = (
  { request, supplier }: DecodedRelay,
  payload: Uint8Array,
  keys: KeyRing,
): AnsweredRelay => answerRelay(request, payload, (digest) => keys.sign(supplier, digest));
