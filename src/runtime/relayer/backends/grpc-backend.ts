import type { BackendConfig } from "../../config/backends.ts";
import { Reject } from "../rejects.ts";
import type { AnswerLimits } from "./answer-limits.ts";
import type { Backend, BackendAnswer, BackendLoad, BackendRequest } from "./backend.ts";
import { EndpointSet, type EndpointSetOptions, type EndpointState } from "./endpoint-set.ts";
import { type ChannelAnswer, GrpcChannel, NotTaken } from "./grpc-channel.ts";
import type { Reach } from "./http-endpoint.ts";
import { type Endpoint, endpointOf, targetPath } from "./target.ts";

/** The gRPC status of a server that cannot serve at the moment; every other one is the answer of one that can. */
const UNAVAILABLE = "14";
/** Requests in work at once, for each endpoint: one connection carries them. */
const IN_WORK = 1_000;
/** Of a request, its path among them (reliability 7): a server may end the connection of all for one that has more. */
const MAX_METADATA_BYTES = 16_384;

type Wired = { readonly endpoint: Endpoint; readonly channel: GrpcChannel };

/**
 * A gRPC backend. The inner request's path is the method, its body the frames as they are: compressed messages and several in one answer
 * go through unopened. Trailers come with the headers (relay-path 6.5).
 */
export class GrpcBackend implements Backend {
  readonly config: BackendConfig;
  readonly #endpoints: EndpointSet<Wired>;
  #inWork = 0;

  constructor(config: BackendConfig, endpoints: EndpointSet<Wired>) {
    this.config = config;
    this.#endpoints = endpoints;
  }

  states(): readonly EndpointState[] {
    return this.#endpoints.states();
  }

  load(): BackendLoad {
    const capacity = IN_WORK * this.#endpoints.all.length;
    const open = this.#endpoints.all.filter(({ channel }) => channel.isOpen).length;
    return { inFlight: this.#inWork, capacity, waiting: 0, open };
  }

  requireRoom(): void {
    if (this.#inWork >= IN_WORK * this.#endpoints.all.length) throw new Reject("backend_saturated");
  }

  async ask(request: BackendRequest): Promise<BackendAnswer> {
    if (request.method !== "POST" && request.method !== "GET")
      throw new Reject("bad_request", "the inner request's method is not allowed");
    this.requireRoom();
    this.#inWork += 1;
    try {
      return await this.#askOneOrAnother(request);
    } finally {
      this.#inWork -= 1;
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#endpoints.all.map(({ channel }) => channel.close()));
  }

  /** What an endpoint did not take (its connection ended, it refused) is asked once more, of another if there is one. */
  async #askOneOrAnother(request: BackendRequest): Promise<BackendAnswer> {
    const first = this.#endpoints.choose();
    try {
      return { ...(await this.#askAt(first, request)), retries: 0 };
    } catch (thrown) {
      if (!(thrown instanceof NotTaken) || this.config.max_retries === 0) throw thrown;
      return { ...(await this.#askAt(this.#endpoints.next([first]) ?? first, request)), retries: 1 };
    }
  }

  async #askAt(wired: Wired, request: BackendRequest): Promise<Omit<BackendAnswer, "retries">> {
    const { endpoint, channel } = wired;
    let outcome: "answered" | "server_fault" | "other" = "other";
    try {
      const path = targetPath(endpoint, request.url);
      const headers = {
        ...(endpoint.authorization !== undefined && { authorization: endpoint.authorization }),
        ...request.headers,
        te: "trailers",
        ":method": request.method,
        ":path": path,
      };
      if (sizeOf(headers) > MAX_METADATA_BYTES)
        throw new Reject("bad_request", "the inner request's headers are too large for gRPC");
      const answer = await channel.ask(headers, request.body, request.client);
      outcome = isFault(answer) ? "server_fault" : "answered";
      return { ...answer, endpoint: endpoint.name };
    } catch (thrown) {
      if (thrown instanceof Reject && thrown.code === "backend_error") outcome = "server_fault";
      throw thrown;
    } finally {
      this.#endpoints.report(wired, outcome);
    }
  }
}

const isFault = ({ status, headers }: ChannelAnswer): boolean =>
  status >= 500 || headers.some(([name, value]) => name === "grpc-status" && value === UNAVAILABLE);

function sizeOf(headers: Readonly<Record<string, string | string[]>>): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(headers))
    for (const one of Array.isArray(value) ? value : [value]) bytes += name.length + one.length;
  return bytes;
}

/** A channel for each endpoint, with the service's timeouts. */
export function openGrpcBackend(
  backend: BackendConfig,
  { dialMs, requestMs }: Pick<Reach, "dialMs" | "requestMs">,
  { limits, ...options }: EndpointSetOptions & { readonly limits: AnswerLimits },
): GrpcBackend {
  const settings = { clock: options.clock, dialMs, requestMs, limits };
  const wired = backend.endpoints.map(({ name, url }) => {
    const endpoint = endpointOf(name, url, backend.base_path);
    return { endpoint, channel: new GrpcChannel(endpoint.origin, settings) };
  });
  return new GrpcBackend(backend, new EndpointSet(wired, backend, options));
}
