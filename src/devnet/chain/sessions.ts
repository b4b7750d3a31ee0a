import { LRUCache } from "lru-cache";
import { EMPTY, toHex } from "../../base/bytes.ts";
import type { Application } from "../../chain/proto/application.ts";
import type { Session } from "../../chain/proto/session.ts";
import type { SharedParams, Supplier, SupplierServiceConfig } from "../../chain/proto/shared.ts";
import { type SessionSpan, sessionAt } from "../../chain/protocol/session-grid.ts";
import { selectSuppliers, sessionId } from "../../chain/protocol/session-id.ts";
import { isServiceId } from "../../chain/protocol/validate.ts";
import { type GrpcClass, HandlerError } from "../context.ts";
import type { ChainState } from "../state.ts";
import { sortable } from "../table.ts";
import { sessionParamsAt, sharedParamsAt } from "./at-height.ts";
import { addressProblem } from "./bech32-problem.ts";
import { isActiveAt } from "./supplier-record.ts";

export type SessionRequest = {
  readonly applicationAddress: string;
  readonly serviceId: string;
  /** Any height of the session; 0 is the state's own. */
  readonly height: bigint;
};

/**
 * The session of an application and service at a height, as GetSession and the claim handler see it (chain 6). Throws HandlerError of
 * class `Internal` with GetSession's texts; for claims and proofs they come with another class, so give `failAs` (chain 7.1).
 */
export function getSession(
  state: ChainState,
  { applicationAddress, serviceId, height: wanted }: SessionRequest,
  failAs: GrpcClass = "Internal",
): Session {
  const fail = (text: string) => new HandlerError(failAs, text);
  const height = wanted === 0n ? state.height : wanted;
  if (height > state.height)
    throw fail(
      `block height ${height} is ahead of the last committed block height ${state.height}: error during session hydration`,
    );
  if (!isServiceId(serviceId)) throw fail(`invalid service ID: ${serviceId}: error during session hydration`);
  const params = sharedParamsAt(state, height);
  const span = sessionAt(params, height);
  const application = activeApplication(state, applicationAddress, span, fail);
  if (!servesAt(application, serviceId, height))
    throw fail(
      `application "${applicationAddress}" not staked for service ID "${serviceId}": application in session not staked for requested service`,
    );
  const seed = {
    blockHash: state.blockHashes.get(sortable(span.start)) ?? EMPTY,
    serviceId,
    applicationAddress,
    startHeight: span.start,
  };
  const suppliers = chooseSuppliers(state, seed, height);
  if (suppliers === undefined)
    throw fail(
      `could not find suppliers for service ${serviceId} at height ${height}: no suppliers found for session`,
    );
  return assemble(params, span, { id: sessionId(seed), serviceId, application, suppliers });
}

/** The query's own checks come first and are of class InvalidArgument (chain 3.2). */
export function querySession(state: ChainState, request: SessionRequest): Session {
  const problem = addressProblem(request.applicationAddress);
  if (problem !== undefined)
    throw new HandlerError("InvalidArgument", `${problem}: invalid application address for session`);
  if (request.height < 0n)
    throw new HandlerError(
      "InvalidArgument",
      `block height ${request.height}: invalid block height for session`,
    );
  return getSession(state, request);
}

function assemble(
  params: SharedParams,
  { number, start, end }: SessionSpan,
  found: { id: string; serviceId: string; application: Application; suppliers: readonly Supplier[] },
): Session {
  const { id, serviceId, application, suppliers } = found;
  return {
    header: {
      applicationAddress: application.address,
      serviceId,
      sessionId: id,
      sessionStartBlockHeight: start,
      sessionEndBlockHeight: end,
    },
    sessionId: id,
    sessionNumber: number,
    numBlocksPerSession: params.numBlocksPerSession,
    application,
    suppliers,
  };
}

function activeApplication(
  state: ChainState,
  address: string,
  { start, end }: SessionSpan,
  fail: (text: string) => HandlerError,
): Application {
  const application = state.applications.get(address);
  // the trailing blank is the chain's (recordings/abci_query/session_get_session_unknown_app)
  if (application === undefined)
    throw fail(
      `could not find app with address "${address}" at height ${start}: application for session not found not found `,
    );
  const { unstakeSessionEndHeight: unstake, pendingTransfer } = application;
  const leaves = unstake !== 0n && end > unstake;
  const moves = pendingTransfer !== undefined && end > pendingTransfer.sessionEndHeight;
  if (leaves || moves)
    throw fail(`application "${address}" is not active at height ${end}: application is not active`);
  return application;
}

/** The history decides; without one the flat list (relay-path 5.3). */
function servesAt(application: Application, serviceId: string, height: bigint): boolean {
  const { serviceConfigHistory: history, serviceConfigs } = application;
  if (history.length === 0) return serviceConfigs.some((config) => config.serviceId === serviceId);
  return history.some((entry) => entry.service?.serviceId === serviceId && isActiveAt(entry, height));
}

const MAX_SELECTIONS = 1_000;
const selections = new LRUCache<string, readonly string[]>({ max: MAX_SELECTIONS });

/** The same for every claim and proof of a session, and a hash for each candidate: remembered by all that it depends on. */
function selected(...given: Parameters<typeof selectSuppliers>): readonly string[] {
  const [{ blockHash, serviceId, applicationAddress, startHeight }, candidates, limit] = given;
  const name = [toHex(blockHash), serviceId, applicationAddress, startHeight, limit, ...candidates].join("/");
  const known = selections.get(name);
  if (known !== undefined) return known;
  const found = selectSuppliers(...given);
  selections.set(name, found);
  return found;
}

/** Current records with the one matching config; a supplier that was removed leaves a gap (chain 6). Undefined without candidates. */
function chooseSuppliers(
  state: ChainState,
  seed: Parameters<typeof selectSuppliers>[0],
  height: bigint,
): Supplier[] | undefined {
  const entries = state.serviceConfigs
    .values(`${seed.serviceId}/`)
    .filter((entry) => isActiveAt(entry, height));
  if (entries.length === 0) return undefined;
  const configs = new Map<string, SupplierServiceConfig | undefined>();
  for (const { operatorAddress, service } of entries) configs.set(operatorAddress, service);
  const limit = sessionParamsAt(state, height).numSuppliersPerSession;
  const candidates = entries.map((entry) => entry.operatorAddress);
  return selected(seed, candidates, limit).flatMap((address) => {
    const supplier = state.suppliers.get(address);
    const service = configs.get(address);
    if (supplier === undefined || service === undefined) return [];
    return [{ ...supplier, services: [service], serviceConfigHistory: [] }];
  });
}
