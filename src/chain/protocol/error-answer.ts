import { utf8 } from "../../base/bytes.ts";
import { PoktHttpResponse } from "../proto/http-envelope.ts";
import type { RelayRequest, RelayResponse } from "../proto/service.ts";
import { headerMap } from "./http-headers.ts";
import { buildResponse } from "./response-signature.ts";

type ErrorAnswer = {
  readonly request: RelayRequest;
  /** HTTP status; 410 says that the session is over. */
  readonly code: number;
  /** Goes into the body unescaped, as the Go peer does. */
  readonly text: string;
  readonly sign: (digest: Uint8Array) => Uint8Array;
};

/** The Go peer's signed error answer (relay-path 4.1). */
export function errorResponse({ request, code, text, sign }: ErrorAnswer): RelayResponse {
  const payload = PoktHttpResponse.encode({
    statusCode: code,
    header: headerMap([["Content-Type", "application/json"]]),
    bodyBz: utf8(`{"error":"${text}"}`),
  });
  const relayMinerError = { codespace: "", code, description: text, message: "" };
  return buildResponse({ request, payload, relayMinerError, sign });
}
