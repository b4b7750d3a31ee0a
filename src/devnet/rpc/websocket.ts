import { type RawData, type WebSocket, WebSocketServer } from "ws";
import { failure, parseBody, type RpcCall, type RpcId, success } from "./envelope.ts";
import { type EventQuery, parseEventQuery } from "./event-query.ts";
import type { Published } from "./events.ts";
import { answerCall } from "./http-handler.ts";
import type { Methods } from "./methods.ts";
import { readParams } from "./params.ts";
import { internalError } from "./rpc-error.ts";

// limits of a node's default configuration (chain 2.3)
const MAX_SUBSCRIPTIONS = 5;
const MAX_CLIENTS = 100;
const MAX_FRAME_BYTES = 1_000_000;
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024;

type Subscription = { readonly id: RpcId; readonly matches: EventQuery };

/** All WebSocket connections with their subscriptions. Every method works here too; events repeat the id of their subscription. */
export class Subscribers {
  readonly server = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES });
  readonly #methods: Methods;
  readonly #clients = new Map<WebSocket, Map<string, Subscription>>();

  constructor(methods: Methods) {
    this.#methods = methods;
    this.server.on("connection", (socket) => this.#opened(socket));
  }

  /** Sends an event to every subscription it matches. A client that does not read is dropped, as a node drops it. */
  publish({ events, data }: Published): void {
    for (const [socket, subscriptions] of this.#clients)
      for (const [query, { id, matches }] of subscriptions) {
        if (!matches(events)) continue;
        if (socket.bufferedAmount > MAX_BUFFERED_BYTES) socket.terminate();
        else socket.send(JSON.stringify(success(id, { query, data, events })));
      }
  }

  /** Breaks every connection without a closing handshake, as a dying node does. */
  terminateAll(): void {
    for (const socket of this.#clients.keys()) socket.terminate();
  }

  close(): void {
    this.terminateAll();
    this.server.close();
  }

  #opened(socket: WebSocket): void {
    this.#clients.set(socket, new Map());
    socket.on("close", () => this.#clients.delete(socket));
    socket.on("error", () => socket.terminate());
    socket.on("message", (data) => void this.#received(socket, data));
  }

  async #received(socket: WebSocket, data: RawData): Promise<void> {
    try {
      for (const call of parseBody(data.toString()).calls) await this.#answer(socket, call);
    } catch (thrown) {
      socket.send(JSON.stringify(failure(undefined, thrown)));
    }
  }

  async #answer(socket: WebSocket, call: RpcCall): Promise<void> {
    const { id, method } = call;
    if (id === undefined) return;
    const own = OWN[method];
    if (own === undefined) {
      const answer = await answerCall(this.#methods, call);
      return socket.send(JSON.stringify(answer));
    }
    try {
      const subscriptions = this.#clients.get(socket) ?? new Map();
      own(subscriptions, call, id, this.#clients);
      socket.send(JSON.stringify(success(id, {})));
    } catch (thrown) {
      socket.send(JSON.stringify(failure(id, thrown)));
    }
  }
}

type Own = (
  subscriptions: Map<string, Subscription>,
  call: RpcCall,
  id: RpcId,
  clients: ReadonlyMap<WebSocket, ReadonlyMap<string, Subscription>>,
) => void;

const OWN: Readonly<Record<string, Own>> = {
  subscribe: (subscriptions, { params }, id, clients) => {
    const { query = "" } = readParams({ query: "text" }, params);
    const active = [...clients.values()].filter(({ size }) => size > 0).length;
    if (subscriptions.size === 0 && active >= MAX_CLIENTS)
      throw internalError(`max_subscription_clients ${MAX_CLIENTS} reached`);
    if (subscriptions.size >= MAX_SUBSCRIPTIONS)
      throw internalError(`max_subscriptions_per_client ${MAX_SUBSCRIPTIONS} reached`);
    const matches = parseEventQuery(query);
    if (subscriptions.has(query)) throw internalError("already subscribed");
    subscriptions.set(query, { id, matches });
  },
  unsubscribe: (subscriptions, { params }) => {
    const { query = "" } = readParams({ query: "text" }, params);
    if (!subscriptions.delete(query)) throw internalError("subscription not found");
  },
  unsubscribe_all: (subscriptions) => {
    if (subscriptions.size === 0) throw internalError("subscription not found");
    subscriptions.clear();
  },
};
