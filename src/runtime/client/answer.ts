import { equalBytes } from "../../base/bytes.ts";
import { toError } from "../../base/errors.ts";
import { PoktHttpResponse } from "../../chain/proto/http-envelope.ts";
import { RelayResponse } from "../../chain/proto/service.ts";
import { payloadHash } from "../../chain/protocol/relay-hash.ts";
import { verifyResponse } from "../../chain/protocol/response-signature.ts";
import type { SignedRelay } from "./sign.ts";

/** An answer that the asked supplier has signed. `http` is what a POKTHTTPResponse holds; a WebSocket's payload is the raw message. */
export type Answer = {
  readonly response: RelayResponse;
  readonly http: PoktHttpResponse | undefined;
};

/** An answer, or what is wrong with the bytes that came as one. */
export type ReadAnswer =
  | { readonly answer: Answer }
  | {
      readonly problem: string;
      /** The code of an error that the supplier signed. */
      readonly code?: number;
    };

/** What the payload of an answer is: decided by the transport, not by the bytes (relay-path 6.6). */
export type PayloadForm = "http" | "raw";

/**
 * Checks an answer as a client must: the supplier signed it, the signed hash is the payload's, it is of the request's session, and no
 * error is said inside (relay-path 4.2, 4.3). An error status of the backend is an answer: `http.statusCode` tells it. Never throws.
 */
export function readAnswer(relay: SignedRelay, bytes: Uint8Array, form: PayloadForm): ReadAnswer {
  try {
    const response = RelayResponse.decode(bytes);
    const problem = problemOf(relay, response);
    if (problem !== undefined) {
      const code = signedErrorCode(relay, response);
      return code === undefined ? { problem } : { problem, code };
    }
    const http = form === "http" ? PoktHttpResponse.decode(response.payload) : undefined;
    return { answer: { response, http } };
  } catch (thrown) {
    return { problem: `it cannot be decoded: ${toError(thrown).message}` };
  }
}

function problemOf({ request, supplier }: SignedRelay, response: RelayResponse): string | undefined {
  const { relayMinerError: error, meta } = response;
  if (meta.supplierOperatorSignature.length === 0)
    return error === undefined ? "it is not signed" : `it is an unsigned error: ${errorText(error)}`;
  if (!verifyResponse(response, supplier.publicKey)) return "the supplier's signature is not valid";
  const hash = response.payloadHash;
  if (hash !== undefined && !equalBytes(hash, payloadHash(response.payload)))
    return "the signed hash is not the payload's";
  if (meta.sessionHeader?.sessionId !== request.meta.sessionHeader?.sessionId)
    return "it is of another session";
  return error === undefined ? undefined : `the supplier signed an error: ${errorText(error)}`;
}

/** Nobody else than the supplier may say that a session is over. */
const signedErrorCode = ({ supplier }: SignedRelay, response: RelayResponse): number | undefined =>
  verifyResponse(response, supplier.publicKey) ? response.relayMinerError?.code : undefined;

type MinerError = NonNullable<RelayResponse["relayMinerError"]>;

const errorText = ({ codespace, code, message, description }: MinerError): string =>
  `${codespace} ${code}: ${message === "" ? description : message}`.trim();
