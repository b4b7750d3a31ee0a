import { AppError } from "../../base/errors.ts";

/** One reason for refusing a relay, as every transport tells it (go-peers 1.15; relay-path 6.6 summary). */
type Row = {
  readonly http: number;
  readonly grpc: string;
  readonly websocket: number;
  /** How loudly it is logged: what an operator must repair is a warning, what a client did wrong is not. */
  readonly level: "debug" | "warn";
  /** What the client reads when the place that refused gave no text. */
  readonly text: string;
  /** Seconds after which a client may try again, where that is known to help. */
  readonly retryAfter?: number;
};

export const REJECTS = {
  bad_request: {
    http: 400,
    grpc: "InvalidArgument",
    websocket: 4001,
    level: "debug",
    text: "the body is not a valid RelayRequest",
  },
  missing_supplier: {
    http: 400,
    grpc: "InvalidArgument",
    websocket: 4001,
    level: "debug",
    text: "the request names no supplier",
  },
  implausible_heights: {
    http: 400,
    grpc: "InvalidArgument",
    websocket: 4001,
    level: "debug",
    text: "the session heights are not plausible",
  },
  unknown_service: {
    http: 404,
    grpc: "NotFound",
    websocket: 4001,
    level: "debug",
    text: "the service is not served here",
  },
  body_too_large: {
    http: 413,
    grpc: "ResourceExhausted",
    websocket: 1009,
    level: "debug",
    text: "the body is too large",
  },
  // As the Go peer: it takes a backend that is not configured for one that is away.
  no_backend: {
    http: 503,
    grpc: "Unavailable",
    websocket: 4003,
    level: "warn",
    text: "the service has no backend of that rpc type",
  },
  // Not the relay's fault: another relayer may hold the key.
  unknown_supplier: {
    http: 503,
    grpc: "FailedPrecondition",
    websocket: 4001,
    level: "debug",
    text: "the supplier's key is not held here",
  },
  supplier_inactive: {
    http: 503,
    grpc: "FailedPrecondition",
    websocket: 4001,
    level: "warn",
    text: "the supplier does not serve this service",
  },
  session_expired: {
    http: 403,
    grpc: "PermissionDenied",
    websocket: 4001,
    level: "debug",
    text: "the session is over",
  },
  session_not_begun: {
    http: 403,
    grpc: "PermissionDenied",
    websocket: 4001,
    level: "debug",
    text: "the session has not begun at this relayer's height",
  },
  session_invalid: {
    http: 403,
    grpc: "PermissionDenied",
    websocket: 4001,
    level: "debug",
    text: "the session is not the chain's",
  },
  supplier_not_in_session: {
    http: 403,
    grpc: "PermissionDenied",
    websocket: 4001,
    level: "debug",
    text: "the supplier is not in the session",
  },
  signature_invalid: {
    http: 403,
    grpc: "PermissionDenied",
    websocket: 4001,
    level: "debug",
    text: "the ring signature is not valid",
  },
  // The client is told what it would be told of a bad one: most that are refused so are.
  signature_unchecked: {
    http: 403,
    grpc: "PermissionDenied",
    websocket: 4001,
    level: "debug",
    text: "too many signatures by keys that are not known yet were bad",
  },
  // Not 403: what was sent is good, and was taken before.
  replayed: {
    http: 409,
    grpc: "AlreadyExists",
    websocket: 4001,
    level: "debug",
    text: "the relay was taken before",
  },
  simulation_rejected: {
    http: 403,
    grpc: "PermissionDenied",
    websocket: 4001,
    level: "debug",
    text: "the simulated relay is not accepted",
  },
  simulation_limit: {
    http: 429,
    grpc: "ResourceExhausted",
    websocket: 1013,
    level: "debug",
    text: "too many simulated relays",
  },
  simulation_unchecked: {
    http: 503,
    grpc: "Unavailable",
    websocket: 4001,
    level: "warn",
    text: "whether the simulated relay was sent before cannot be checked at the moment",
    retryAfter: 2,
  },
  session_unknown: {
    http: 503,
    grpc: "Unavailable",
    websocket: 4001,
    level: "warn",
    text: "the session cannot be checked at the moment",
    retryAfter: 1,
  },
  // "session relay limit reached" is how PATH recognises it: verbatim (relay-path 6.1).
  over_limit: {
    http: 429,
    grpc: "ResourceExhausted",
    websocket: 4002,
    level: "debug",
    text: "session relay limit reached",
  },
  meter_unavailable: {
    http: 503,
    grpc: "Unavailable",
    websocket: 4002,
    level: "warn",
    text: "the relay meter is not available",
    retryAfter: 2,
  },
  backend_error: {
    http: 502,
    grpc: "Unavailable",
    websocket: 4003,
    level: "warn",
    text: "the backend did not answer",
  },
  backend_timeout: {
    http: 504,
    grpc: "Unavailable",
    websocket: 4003,
    level: "warn",
    text: "the backend did not answer in time",
  },
  // The status is the backend's own (500 to 599); this row has the one for transports without.
  backend_5xx: {
    http: 502,
    grpc: "Unavailable",
    websocket: 4003,
    level: "warn",
    text: "the backend failed",
  },
  // Every endpoint was taken out by active checks: the Go peer's words (relay-path 6.2, step 15).
  backend_down: {
    http: 503,
    grpc: "Unavailable",
    websocket: 4003,
    level: "warn",
    text: "service temporarily unavailable",
    retryAfter: 5,
  },
  // Too many wait for a connection to it, or one waited too long.
  backend_saturated: {
    http: 503,
    grpc: "ResourceExhausted",
    websocket: 1013,
    level: "warn",
    text: "the service's backend has too many requests in work",
    retryAfter: 1,
  },
  response_too_large: {
    http: 502,
    grpc: "ResourceExhausted",
    websocket: 1009,
    level: "warn",
    text: "the backend's answer is too large",
  },
  store_unavailable: {
    http: 503,
    grpc: "Unavailable",
    websocket: 1011,
    level: "warn",
    text: "the relay cannot be stored at the moment",
    retryAfter: 2,
  },
  overloaded: {
    http: 503,
    grpc: "ResourceExhausted",
    websocket: 1013,
    level: "warn",
    text: "too many relays are in work",
    retryAfter: 1,
  },
  draining: {
    http: 503,
    grpc: "Unavailable",
    websocket: 4000,
    level: "debug",
    text: "this relayer is shutting down",
    retryAfter: 1,
  },
  client_gone: {
    http: 499,
    grpc: "Canceled",
    websocket: 1001,
    level: "debug",
    text: "the client went away",
  },
  internal: {
    http: 500,
    grpc: "Internal",
    websocket: 1011,
    level: "warn",
    text: "internal error",
  },
} as const satisfies Record<string, Row>;

export type RejectReason = keyof typeof REJECTS;
const ROWS: Readonly<Record<RejectReason, Row>> = REJECTS;

/** A relay that is not served. `message` goes to the client; `fields` and the cause only to the log. */
export class Reject extends AppError<RejectReason> {
  readonly status: number;
  /** What the client is told besides the text. */
  readonly told: Readonly<Record<string, string>> | undefined;

  constructor(
    reason: RejectReason,
    detail?: string,
    options: {
      readonly status?: number;
      readonly cause?: unknown;
      readonly fields?: Readonly<Record<string, unknown>>;
      readonly told?: Readonly<Record<string, string>>;
    } = {},
  ) {
    const { text } = REJECTS[reason];
    // A trace costs more than the rest of a refusal, and says nothing that the reason does not: whoever floods us pays for none.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(reason, detail === undefined ? text : `${text}: ${detail}`, options.fields ?? {}, options.cause);
    Error.stackTraceLimit = stackTraceLimit;
    this.status = options.status ?? REJECTS[reason].http;
    this.told = options.told;
  }

  /** Seconds after which the client may try again, or undefined. */
  get retryAfter(): number | undefined {
    return ROWS[this.code].retryAfter;
  }
}

/** Whatever a step threw, as a refusal: a throw that is no Reject is a defect of ours and answered without detail. */
export const toReject = (thrown: unknown): Reject =>
  thrown instanceof Reject ? thrown : new Reject("internal", undefined, { cause: thrown });
