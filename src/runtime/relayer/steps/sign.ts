import { RelayResponse } from "../../../chain/proto/service.ts";
import { mineRelay } from "../../../chain/protocol/relay-hash.ts";
import { buildResponse } from "../../../chain/protocol/response-signature.ts";
import type { KeyRing } from "../../keys/key-ring.ts";
import type { DecodedRelay } from "./decode.ts";

export type Signed = {
  /** What the client gets. */
  readonly responseBytes: Uint8Array;
  /** What becomes a leaf: request and response without its payload. */
  readonly relayBytes: Uint8Array;
  readonly relayHash: Uint8Array;
};

/** Signs the answer once: the bytes the client gets are the bytes that are mined (architecture 3). */
export function sign(relay: DecodedRelay, payload: Uint8Array, keys: KeyRing): Signed {
  const response = buildResponse({
    request: relay.request,
    payload,
    sign: (digest) => keys.sign(relay.supplier, digest),
  });
  const { relayBytes, relayHash } = mineRelay(relay.request, response);
  return { responseBytes: RelayResponse.encode(response), relayBytes, relayHash };
}
