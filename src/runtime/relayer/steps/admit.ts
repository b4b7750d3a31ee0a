import { heightsPlausible } from "../../../chain/protocol/arrival.ts";
import { headerPairs } from "../../../chain/protocol/http-headers.ts";
import type { BackendKind } from "../../config/backends.ts";
import type { ServiceConfig } from "../../config/relayer.ts";
import type { KeyRing } from "../../keys/key-ring.ts";
import type { Backend } from "../backends/backend.ts";
import type { WebSocketBackend } from "../bridge/ends.ts";
import type { Exchange } from "../exchange.ts";
import { Reject } from "../rejects.ts";
import type { StreamBounds } from "../streaming/streaming.ts";
import type { DecodedRelay, HttpRelay } from "./decode.ts";

export type ServiceRoutes = {
  readonly id: string;
  readonly config: ServiceConfig;
  readonly mode: "eager" | "optimistic";
  readonly maxBodyBytes: number;
  /** Content types of answers that are passed on as they come; undefined for none. */
  readonly streamed: ReadonlySet<string> | undefined;
  readonly streamBounds: StreamBounds;
  readonly pools: Readonly<Partial<Record<BackendKind, Backend>>>;
  /** Dialled for each connection, not asked for each relay. */
  readonly webSocket: WebSocketBackend | undefined;
};

/** Whether the miner's record lets a supplier serve (relay-path 9.4). "unknown": no record yet, or Redis did not answer. */
export type SupplierStanding =
  | { readonly kind: "unknown" }
  | { readonly kind: "inactive"; readonly why: string }
  | {
      readonly kind: "serving";
      readonly services: ReadonlySet<string>;
      readonly stakedTypes: ReadonlySet<string>;
    };

export type AdmitDependencies = {
  readonly services: ReadonlyMap<string, ServiceRoutes>;
  readonly keys: KeyRing;
  readonly standing: (supplier: string) => SupplierStanding;
  readonly height: () => bigint;
};

export type Admitted = {
  readonly service: ServiceRoutes;
  readonly rpcType: BackendKind;
  /** False when the supplier has staked endpoints for the service and none is of this rpc type. */
  readonly declared: boolean;
};

/** A relay that has its way to a backend. */
export type Routed = Admitted & { readonly pool: Backend };

const RPC_TYPES: Readonly<Record<string, string>> = {
  "1": "grpc",
  "2": "websocket",
  "3": "jsonrpc",
  "4": "rest",
  "5": "cometbft",
};

/**
 * The backend that a relay asks for: its Rpc-Type, and over gRPC without one, "grpc" for an inner gRPC request (relay-path 6.5). Undefined
 * is the service's default.
 */
export function requestedType(
  { inner }: HttpRelay,
  { rpcType, transport }: Pick<Exchange, "rpcType" | "transport">,
): string | undefined {
  if (transport === "http" || (rpcType !== undefined && rpcType !== "")) return rpcType;
  const [, type] = headerPairs(inner.header).find(([name]) => name === "Content-Type") ?? [];
  return type?.startsWith("application/grpc") ? "grpc" : undefined;
}

/** Everything that can be refused without a signature check or I/O, in the Go peer's order (relay-path 6.2, steps 6 to 13). */
export function admit(
  relay: DecodedRelay,
  rpcTypeHeader: string | undefined,
  bodyBytes: number,
  { services, keys, standing, height }: AdmitDependencies,
): Routed {
  const { service, rpcType, pool } = routeOf(services, relay, rpcTypeHeader);
  if (!keys.has(relay.supplier)) throw new Reject("unknown_supplier");
  const declared = requireStanding(standing(relay.supplier), service.id, rpcType);
  if (bodyBytes > service.maxBodyBytes) throw new Reject("body_too_large");
  requirePlausible(relay, height());
  pool.requireRoom();
  return { service, rpcType, pool, declared };
}

/** The same for a message of a WebSocket, which has its backend already; the supplier's record is asked as for any relay. */
export function admitMessage(
  relay: DecodedRelay,
  { services, keys, standing, height }: AdmitDependencies,
): Admitted {
  const service = services.get(relay.header.serviceId);
  if (service === undefined) throw new Reject("unknown_service");
  if (!keys.has(relay.supplier)) throw new Reject("unknown_supplier");
  const declared = requireStanding(standing(relay.supplier), service.id, "websocket");
  requirePlausible(relay, height());
  return { service, rpcType: "websocket", declared };
}

/**
 * Why messages of a WebSocket for this service, and of this supplier where one is known, are not served any more; undefined while they
 * are. For connections that stay open over a reload.
 */
export function goneSince(
  service: string,
  supplier: string | undefined,
  { services, keys }: Pick<AdmitDependencies, "services" | "keys">,
): Reject | undefined {
  const routes = services.get(service);
  if (routes === undefined) return new Reject("unknown_service");
  if (routes.webSocket === undefined) return new Reject("no_backend", "WebSocket");
  return supplier === undefined || keys.has(supplier) ? undefined : new Reject("unknown_supplier");
}

/** The service of a relay and its backend. Throws Reject unknown_service, no_backend. */
export function routeOf(
  services: ReadonlyMap<string, ServiceRoutes>,
  { header }: DecodedRelay,
  rpcTypeHeader: string | undefined,
): Pick<Routed, "service" | "rpcType" | "pool"> {
  const service = services.get(header.serviceId);
  if (service === undefined) throw new Reject("unknown_service");
  const { rpcType, pool } = route(service, rpcTypeHeader);
  return { service, rpcType, pool };
}

function route(service: ServiceRoutes, header: string | undefined): { rpcType: BackendKind; pool: Backend } {
  const name =
    header === undefined || header === "" ? service.config.default_backend : (RPC_TYPES[header] ?? header);
  const pool = Object.hasOwn(service.pools, name) ? service.pools[name as BackendKind] : undefined;
  if (pool === undefined) throw new Reject("no_backend", undefined, { told: { service: service.id } });
  return { rpcType: name as BackendKind, pool };
}

function requireStanding(standing: SupplierStanding, service: string, rpcType: string): boolean {
  // The key is ours and the miner's record is not there yet: serve, as the Go peer does in its boot window.
  if (standing.kind === "unknown") return true;
  if (standing.kind === "inactive") throw new Reject("supplier_inactive", standing.why);
  if (!standing.services.has(service)) throw new Reject("supplier_inactive", "not staked for the service");
  const { stakedTypes } = standing;
  return stakedTypes.size === 0 || stakedTypes.has(`${service}/${rpcType}`);
}

/** Keeps strangers from making this relayer ask the chain about any height they like (relay-path 5.6, step 3). */
function requirePlausible({ header }: DecodedRelay, current: bigint): void {
  const span = { start: header.sessionStartBlockHeight, end: header.sessionEndBlockHeight };
  if (!heightsPlausible(span, current)) throw new Reject("implausible_heights");
}
