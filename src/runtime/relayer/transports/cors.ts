import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import type { Call } from "./call.ts";

const MAX_AGE_SECONDS = "7200";

/** Which pages of browsers may call gRPC-Web here: origins, or "*" for any. None: no browser gets an answer that it may read. */
export type Cors = {
  /** Answers an OPTIONS request, if it is a preflight of an origin that is allowed; false if it is not. */
  preflight(call: Call): boolean;
  /** What an answer needs so that the page may read it. */
  headers(request: IncomingHttpHeaders): OutgoingHttpHeaders;
};

export function corsFor(origins: readonly string[]): Cors {
  const allowed = new Set(origins);
  const headers = ({ origin }: IncomingHttpHeaders): OutgoingHttpHeaders => {
    if (origin === undefined || !(allowed.has("*") || allowed.has(origin))) return {};
    return {
      "access-control-allow-origin": allowed.has("*") ? "*" : origin,
      "access-control-expose-headers": "grpc-status,grpc-message,grpc-encoding",
      ...(!allowed.has("*") && { vary: "origin" }),
    };
  };
  return {
    headers,
    preflight: (call) => {
      const { headers: asked } = call;
      const wanted = asked["access-control-request-headers"];
      if (asked["access-control-request-method"] === undefined) return false;
      // Without an origin that is allowed it is a relay like any other: OPTIONS may be one.
      const granted = headers(asked);
      if (granted["access-control-allow-origin"] === undefined) return false;
      call.source.resume();
      call.send(
        204,
        {
          ...granted,
          "access-control-allow-methods": "POST",
          "access-control-allow-headers":
            wanted ?? "content-type,x-grpc-web,x-user-agent,grpc-timeout,rpc-type",
          "access-control-max-age": MAX_AGE_SECONDS,
        },
        EMPTY,
      );
      return true;
    },
  };
}

const EMPTY = new Uint8Array(0);
