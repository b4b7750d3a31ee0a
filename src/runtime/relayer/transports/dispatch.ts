import type { IncomingMessage, ServerResponse } from "node:http";
import { EMPTY } from "../../../base/bytes.ts";
import type { ListenerMetrics } from "../metrics.ts";
import { Reject } from "../rejects.ts";
import type { Call, Port, Protocol } from "./call.ts";
import { type Cors, corsFor } from "./cors.ts";
import { grpcRelay } from "./grpc.ts";
import { plainWire, webWire } from "./grpc-wires.ts";
import { type Health, isOperators, operatorAnswer } from "./health.ts";
import { Http1Call } from "./http1-call.ts";
import type { Http2Call } from "./http2-call.ts";
import { refuse, relay } from "./relays.ts";

type Given = {
  readonly port: Port;
  readonly health: Health;
  readonly metrics: ListenerMetrics;
  /** Of pages that may call gRPC-Web. */
  readonly origins: readonly string[];
  /** Requests of one connection that may wait for the answer to an earlier one. */
  readonly pipelined: number;
};

const GRPC_WEB = "application/grpc-web";
const GRPC = "application/grpc";
const LONGEST_TYPE = 100;

/** What each request is, whatever carried it: a health path, gRPC, gRPC-Web, or a relay (go-peers T1). */
export class Dispatch {
  readonly #given: Given;
  readonly #cors: Cors;

  constructor(given: Given) {
    this.#given = given;
    this.#cors = corsFor(given.origins);
  }

  http1(request: IncomingMessage, response: ServerResponse, protocol: Protocol): void {
    const { method, url } = request;
    const call = new Http1Call(request, response, this.#given.port);
    const place = call.standInLine(this.#given.pipelined);
    if (place === "full") this.#refuseLine(call);
    if (place !== "in") return;
    // node:http sends no body with what answers HEAD.
    if (url !== undefined && isOperators(method, url)) this.#tell(call, url);
    else this.#serve(call, method, url, protocol);
  }

  http2(call: Http2Call, protocol: Protocol): void {
    const { metrics, port } = this.#given;
    const { ":method": method, ":path": path } = call.headers;
    const type = call.headers["content-type"];
    if (path !== undefined && isOperators(method, path)) this.#tell(call, path, method === "HEAD");
    else if (type?.startsWith(GRPC) && !type.startsWith(GRPC_WEB)) {
      metrics.requests.grpc += 1;
      void grpcRelay(call, path, plainWire(call, type.slice(0, LONGEST_TYPE)), port);
    } else this.#serve(call, method, path, protocol);
  }

  /** gRPC over HTTP/1.1 cannot be; what calls itself so is taken for a relay: PATH sets any Content-Type (relay-path 6.1). */
  #serve(call: Call, method: string | undefined, path: string | undefined, protocol: Protocol): void {
    const { metrics, port } = this.#given;
    const type = call.headers["content-type"];
    if (type?.startsWith(GRPC_WEB)) {
      metrics.requests.grpc_web += 1;
      const cors = this.#cors.headers(call.headers);
      void grpcRelay(call, path, webWire(call, type.slice(0, LONGEST_TYPE), cors), port);
      return;
    }
    metrics.requests[protocol] += 1;
    if (method === "OPTIONS" && this.#cors.preflight(call)) return;
    void relay(call, port);
  }

  #refuseLine(call: Call): void {
    this.#given.metrics.closed.inc({ reason: "pipelined" });
    refuse(call, new Reject("overloaded", "too many requests of this connection wait for their answers"));
  }

  #tell(call: Call, path: string, isHead = false): void {
    const { status, body } = operatorAnswer(this.#given.health, path);
    call.send(status, { "content-type": "application/json" }, isHead ? EMPTY : body);
  }
}
