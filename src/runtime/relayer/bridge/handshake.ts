import { EMPTY } from "../../../base/bytes.ts";
import type { Logger } from "../../../base/logger.ts";
import { RelayRequest } from "../../../chain/proto/service.ts";
import type { WebSocketSettings } from "../../config/websocket.ts";
import { Reject, toReject } from "../rejects.ts";
import type { DecodedRelay } from "../steps/decode.ts";
import type { MessageSteps } from "./messages.ts";
import type { WebSocketMetrics } from "./metrics.ts";

/** One header of the request for a WebSocket, by its lower-case name. */
export type HeaderOf = (name: string) => string | undefined;

/** The request that a handshake signs. */
export type Proved = {
  readonly relay: DecodedRelay;
  /** It led to nothing, and may be used again. */
  readonly forget: () => void;
};

export type HandshakeParts = {
  readonly mode: WebSocketSettings["handshake_signature"];
  readonly logger: Logger;
};

type Checking = HandshakeParts & {
  readonly metrics: WebSocketMetrics;
  /** Throw Reject. */
  readonly steps: Pick<MessageSteps, "decodeHandshake" | "takeHandshake">;
};

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const HEIGHT = /^\d{1,19}$/;

/**
 * Checks the signature of a handshake: a ring signature over a request with the session and the supplier that the headers name, and no
 * payload (relay-path 6.6). Handshakes without one are older ("v1") and allowed unless signatures are enforced. Throws Reject when they
 * are: signature_invalid, or what the steps throw. Otherwise undefined says that nothing is proved.
 */
export async function checkHandshake(header: HeaderOf, parts: Checking): Promise<Proved | undefined> {
  const { mode, metrics, logger, steps } = parts;
  const version = isSigned(header) ? "v2" : "v1";
  const told = (result: string) => metrics.handshakes.inc({ version, result });
  if (mode === "off" || (mode === "warn" && version === "v1")) {
    told("unchecked");
    return undefined;
  }
  try {
    if (version === "v1") throw new Reject("signature_invalid", "the handshake has none");
    const relay = steps.decodeHandshake(signedRequest(header));
    const forget = await steps.takeHandshake(relay);
    told("valid");
    return { relay, forget };
  } catch (thrown) {
    const reject = toReject(thrown);
    told(reject.code);
    if (mode === "enforce") throw asRefusal(reject);
    logger.warn(
      { reason: reject.code, detail: reject.message, service: header("target-service-id") },
      "a WebSocket handshake is not validly signed; its messages are checked one by one",
    );
    return undefined;
  }
}

const isSigned = (header: HeaderOf): boolean =>
  ["pocket-session-id", "pocket-supplier-address", "pocket-signature"].every((name) => header(name));

/** Throws Reject bad_request on a header that cannot be read. */
function signedRequest(header: HeaderOf): Uint8Array {
  const signature = header("pocket-signature") ?? "";
  if (!BASE64.test(signature)) throw new Reject("bad_request", "Pocket-Signature is not base64");
  return RelayRequest.encode({
    meta: {
      sessionHeader: {
        applicationAddress: header("app-address") ?? "",
        serviceId: header("target-service-id") ?? "",
        sessionId: header("pocket-session-id") ?? "",
        sessionStartBlockHeight: heightOf(header("pocket-session-start-height")),
        sessionEndBlockHeight: heightOf(header("pocket-session-end-height")),
      },
      signature: Buffer.from(signature, "base64"),
      supplierOperatorAddress: header("pocket-supplier-address") ?? "",
    },
    payload: EMPTY,
  });
}

function heightOf(text: string | undefined): bigint {
  if (text === undefined || !HEIGHT.test(text))
    throw new Reject("bad_request", "the session's heights are not numbers");
  const height = BigInt(text);
  return height === BigInt.asIntN(64, height) ? height : 0n;
}

/** A handshake that is malformed, or somebody else's, proves nothing, which is what 403 says. */
const asRefusal = (reject: Reject): Reject =>
  PROVES_NOTHING.has(reject.code) ? new Reject("signature_invalid", reject.message) : reject;

const PROVES_NOTHING: ReadonlySet<string> = new Set([
  "bad_request",
  "missing_supplier",
  "implausible_heights",
  "replayed",
]);
