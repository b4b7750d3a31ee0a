import type { Logger } from "../../../base/logger.ts";
import type { BackendKind } from "../../config/backends.ts";
import type { EndpointSetOptions } from "./endpoint-set.ts";
import type { BackendMetrics } from "./metrics.ts";

type Of = {
  readonly service: string;
  readonly kind: BackendKind;
  readonly logger: Logger;
  readonly metrics: BackendMetrics;
};

const TEXTS = {
  up: "a backend's endpoint is well again",
  down: "a backend's endpoint failed its health checks and gets no more requests",
  ejected: "a backend's endpoint failed again and again and is left out for a while",
};

/** Tells log and metrics of endpoints that come and go: once for each change. */
export function tellChanges({ service, kind, logger, metrics }: Of): EndpointSetOptions["onChange"] {
  return ({ name, phase }, before, why) => {
    metrics.changes.inc({ service_id: service, rpc_type: kind, endpoint: name, to: phase });
    // A probe is no news, and neither is one that failed.
    if (phase === "probing" || (before === "probing" && phase === "ejected")) return;
    logger[phase === "up" ? "info" : "warn"]({ service, rpcType: kind, endpoint: name, why }, TEXTS[phase]);
  };
}
