import type { Closable } from "../../base/close-stack.ts";
import { type GrpcOptions, GrpcTransport } from "./grpc-transport.ts";
import { type HttpOptions, HttpTransport, type RelayTransport } from "./http-transport.ts";
import type { Outcome } from "./outcome.ts";
import type { SourcedRelay } from "./source.ts";

/** Brings each relay where it goes. */
export type RelaySender = Closable & {
  /** Never rejects. `worker` numbers those who send one relay after another. */
  send(relay: SourcedRelay, worker: number): Promise<Outcome>;
};

/** Relays over HTTP: connections for each URL. */
export const httpSender = (options: Omit<HttpOptions, "url">): RelaySender =>
  perUrl((url) => new HttpTransport({ ...options, url }));

/** One transport for each URL that relays go to: as many as suppliers in the sessions used. */
function perUrl(open: (url: string) => RelayTransport): RelaySender {
  const transports = new Map<string, RelayTransport>();
  return {
    send: (relay) => {
      const transport = transports.get(relay.url) ?? open(relay.url);
      transports.set(relay.url, transport);
      return transport.send(relay);
    },
    close: async () => {
      await Promise.all([...transports.values()].map((transport) => transport.close()));
    },
  };
}

/** Relays over gRPC: one connection for each URL, all calls on it. */
export const grpcSender = (options: Omit<GrpcOptions, "url">): RelaySender =>
  perUrl((url) => new GrpcTransport({ ...options, url }));
