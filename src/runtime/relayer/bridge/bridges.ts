import { isAddress } from "../../../chain/protocol/address.ts";
import type { KeyRing } from "../../keys/key-ring.ts";
import { backendHeaders } from "../backends/headers.ts";
import type { Presence } from "../presence.ts";
import { Reject } from "../rejects.ts";
import type { ServiceRoutes } from "../steps/admit.ts";
import type { RelayWork } from "../work.ts";
import { Bridge } from "./bridge.ts";
import type { Dialling, End, WebSocketBackend } from "./ends.ts";
import { checkHandshake, type HandshakeParts, type HeaderOf, type Proved } from "./handshake.ts";
import type { BridgeParts } from "./messages.ts";

/** A client that asks for a WebSocket. */
export type Handshake = {
  readonly header: HeaderOf;
  /** Path and query of the request. */
  readonly target: string;
  /** Where the connection comes from. */
  readonly address: string;
  readonly client: Presence;
};

/** A backend that waits for its client. One of the two must be called, once. */
export type Opened = {
  accept(client: End): void;
  abandon(): void;
};

/** What connections are opened with until a reload. */
export type Reachable = {
  readonly services: ReadonlyMap<string, Pick<ServiceRoutes, "id" | "webSocket">>;
  readonly keyRing: Pick<KeyRing, "has">;
};

type Given = BridgeParts & {
  readonly work: Pick<RelayWork, "draining">;
  /** What a connection of simulated relays is served with instead; undefined for any other. */
  readonly simulated: (header: HeaderOf) => BridgeParts | undefined;
  /** As of now. */
  readonly reachable: () => Reachable;
  readonly handshake: HandshakeParts;
};

const DRAIN_STEP_MS = 20;

/** All bridges of this relayer: opens them within bounds, tells them of blocks, and ends them. */
export class Bridges {
  readonly #given: Given;
  readonly #bridges = new Set<Bridge>();
  readonly #perAddress = new Map<string, number>();
  readonly #stopBlocks: () => void;
  #count = 0;

  constructor(given: Given) {
    this.#given = given;
    this.#stopBlocks = given.heights.onChange(() => {
      for (const bridge of [...this.#bridges]) bridge.atBlock();
    });
  }

  /** Connections, those that are being opened included. */
  get count(): number {
    return this.#count;
  }

  /**
   * Dials the backend for a client; nothing is promised to it before. Throws Reject: bad_request, unknown_service, no_backend, draining,
   * overloaded (503 for all, 429 for one address), backend_error, client_gone, and what a handshake that must be signed is refused with.
   */
  async open(handshake: Handshake): Promise<Opened> {
    const { work, metrics } = this.#given;
    if (work.draining) throw new Reject("draining");
    const service = this.#serviceOf(handshake);
    const parts = this.#given.simulated(handshake.header) ?? this.#given;
    const leave = this.#enter(handshake.address);
    try {
      const opened = await this.#dialled(handshake, service, parts, () => {
        leave();
        metrics.active.dec({ service_id: service });
      });
      metrics.active.inc({ service_id: service });
      parts.metrics.total.inc({ service_id: service });
      return opened;
    } catch (thrown) {
      leave();
      throw thrown;
    }
  }

  /** What messages are served with has changed: connections that nothing serves any more are ended. */
  reloaded(): void {
    for (const bridge of [...this.#bridges]) bridge.reloaded();
  }

  /** Ends every connection as at a session's end, and resolves when all clients are told, or after `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    const { clock } = this.#given;
    const deadline = clock.monotonic() + timeoutMs;
    for (const bridge of [...this.#bridges]) bridge.end();
    while (this.#count > 0 && clock.monotonic() < deadline) await clock.sleep(DRAIN_STEP_MS);
  }

  close(): void {
    this.#stopBlocks();
  }

  async #dialled(
    handshake: Handshake,
    service: string,
    parts: BridgeParts,
    onEnd: () => void,
  ): Promise<Opened> {
    const { handshake: check, work } = this.#given;
    const target = this.#given.reachable().services.get(service)?.webSocket;
    if (target === undefined) throw new Reject("no_backend", "WebSocket", { told: { service } });
    const checking = checkHandshake(handshake.header, {
      ...check,
      metrics: parts.metrics,
      steps: parts.messages().steps,
    });
    // Only where nobody may connect unsigned is it worth a wait; a refusal there must not be lost here.
    if (check.mode === "enforce") await checking;
    const headers = this.#headers(handshake.header, service, target);
    const backend = await this.#dial(target, { headers, client: handshake.client }, checking);
    if (work.draining) {
      backend.close(1001, "");
      throw new Reject("draining");
    }
    return {
      accept: (client) => {
        const bridge = new Bridge({
          ...parts,
          service,
          client,
          backend,
          onEnd: () => {
            this.#bridges.delete(bridge);
            onEnd();
          },
        });
        this.#bridges.add(bridge);
        // The backend was dialled by the configuration of then.
        bridge.reloaded();
        void checking.then((proved) => proved && bridge.begin(proved.relay));
      },
      abandon: () => {
        backend.close(1001, "");
        onEnd();
      },
    };
  }

  async #dial(
    target: WebSocketBackend,
    dialling: Dialling,
    checking: Promise<Proved | undefined>,
  ): Promise<End> {
    try {
      return await target.dial(dialling);
    } catch (thrown) {
      void checking.then((proved) => proved?.forget());
      throw thrown;
    }
  }

  /**
   * Where a handshake names its service, in this order: Target-Service-Id, Pocket-Service-Id, X-Forwarded-Host, the first part of the path
   * (relay-path 6.6). Proxies set X-Forwarded-Host to names that are no services; those are passed over.
   */
  #serviceOf({ header, target }: Handshake): string {
    const { services } = this.#given.reachable();
    const forwarded = header("x-forwarded-host");
    const named =
      header("target-service-id") ||
      header("pocket-service-id") ||
      (forwarded !== undefined && services.has(forwarded) ? forwarded : /^\/+([^/?#]*)/.exec(target)?.[1]) ||
      forwarded;
    if (!named) throw new Reject("bad_request", "the handshake names no service; send Target-Service-Id");
    const service = services.get(named);
    if (service === undefined) throw new Reject("unknown_service");
    return service.id;
  }

  /** Throws Reject overloaded; gives what makes the place free again. */
  #enter(address: string): () => void {
    const { max_connections, max_connections_per_address } = this.#given.settings;
    if (this.#count >= max_connections) throw new Reject("overloaded", "too many WebSocket connections");
    const ofAddress = this.#perAddress.get(address) ?? 0;
    if (ofAddress >= max_connections_per_address)
      throw new Reject("overloaded", "too many WebSocket connections from this address", { status: 429 });
    this.#count += 1;
    this.#perAddress.set(address, ofAddress + 1);
    return () => {
      this.#count -= 1;
      const left = (this.#perAddress.get(address) ?? 1) - 1;
      if (left > 0) this.#perAddress.set(address, left);
      else this.#perAddress.delete(address);
    };
  }

  /** Who asks, as far as it can be said before a request is checked; nothing that the client sent goes on as it came. */
  #headers(header: HeaderOf, service: string, { config }: WebSocketBackend) {
    const supplier = header("pocket-supplier-address") ?? "";
    const application = header("app-address") ?? "";
    const headers = backendHeaders(
      {
        inner: [],
        wrapper: () => undefined,
        wrapperPocket: [],
        supplier: this.#given.reachable().keyRing.has(supplier) ? supplier : "",
        service,
        application: isAddress(application) ? application : "",
      },
      config,
    );
    return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ""));
  }
}
