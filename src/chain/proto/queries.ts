import { Application, ApplicationParams } from "./application.ts";
import { Any, AuthParams, Coin, PageRequest, PageResponse } from "./cosmos.ts";
import { Gateway, GatewayParams } from "./gateway.ts";
import { Claim, Proof, ProofParams } from "./proof.ts";
import {
  RelayMiningDifficulty,
  RelayMiningDifficultyUpdate,
  ServiceComputeUnitsPerRelayUpdate,
  ServiceParams,
} from "./service.ts";
import { Session, SessionParams } from "./session.ts";
import { Service, SharedParams, Supplier } from "./shared.ts";
import { SupplierParams } from "./supplier.ts";
import { TokenomicsParams } from "./tokenomics.ts";
import { SimulateRequest, SimulateResponse } from "./tx-result.ts";
import {
  bool,
  type Codec,
  choice,
  embedded,
  type Fields,
  int64,
  message,
  repeated,
  string,
  uint64,
} from "./wire.ts";

/** A question to a node: the path of an ABCI query and the messages of its data and value (relay-path 1.10). */
export type Query<Req, Res> = {
  readonly path: string;
  readonly request: Codec<Req>;
  readonly response: Codec<Res>;
};

/** `name` is the middle of the names of the request and response messages. */
function query<Req extends object, Res extends object>(
  path: string,
  name: string,
  request: Fields<Req>,
  response: Fields<Res>,
): Query<Req, Res> {
  const module = path.slice(1, path.indexOf(".Query/"));
  return {
    path,
    request: message<Req>(`${module}.Query${name}Request`, request),
    response: message<Res>(`${module}.Query${name}Response`, response),
  };
}

// What an answer is about is read as "may be absent", so that a node that leaves it out does not pass for one
// that says zero. Nodes write it even when it is empty, and so does whoever encodes an answer with it set.

const params = <T>(module: string, codec: Codec<T>) =>
  query(`/${module}.Query/Params`, "Params", {}, { params: embedded(1, codec) });

const page = (number: number) => embedded(number, PageRequest);
const nextPage = embedded(2, PageResponse);
const serviceAtHeight = { serviceId: string(1), blockHeight: int64(2) };
const ofService = { serviceId: string(1), pagination: page(2) };
const ofClaim = { sessionId: string(1), supplierOperatorAddress: string(2) };
/** At most one of the three filters; one that is set counts even when it is empty. */
const filtered = {
  pagination: page(1),
  supplierOperatorAddress: choice("filter", string(2)),
  sessionId: choice("filter", string(3)),
  sessionEndHeight: choice("filter", uint64(4)),
};

/** The questions that the chain answers, by the names used in this program (relay-path 1.10). */
export const QUERIES = {
  sharedParams: params("pocket.shared", SharedParams),
  sharedParamsAtHeight: query(
    "/pocket.shared.Query/ParamsAtHeight",
    "ParamsAtHeight",
    { height: int64(1) },
    { params: embedded(1, SharedParams) },
  ),
  sessionParams: params("pocket.session", SessionParams),
  getSession: query(
    "/pocket.session.Query/GetSession",
    "GetSession",
    { applicationAddress: string(1), serviceId: string(2), blockHeight: int64(3) },
    { session: embedded(1, Session) },
  ),
  applicationParams: params("pocket.application", ApplicationParams),
  application: query(
    "/pocket.application.Query/Application",
    "GetApplication",
    { address: string(1) },
    { application: embedded(1, Application) },
  ),
  applications: query(
    "/pocket.application.Query/AllApplications",
    "AllApplications",
    { pagination: page(1), delegateeGatewayAddress: string(2) },
    { applications: repeated(1, Application), pagination: nextPage },
  ),
  gatewayParams: params("pocket.gateway", GatewayParams),
  gateway: query(
    "/pocket.gateway.Query/Gateway",
    "GetGateway",
    { address: string(1), dehydrated: bool(2) },
    { gateway: embedded(1, Gateway) },
  ),
  gateways: query(
    "/pocket.gateway.Query/AllGateways",
    "AllGateways",
    { pagination: page(1), dehydrated: bool(2) },
    { gateways: repeated(1, Gateway), pagination: nextPage },
  ),
  supplierParams: params("pocket.supplier", SupplierParams),
  supplier: query(
    "/pocket.supplier.Query/Supplier",
    "GetSupplier",
    { operatorAddress: string(1), dehydrated: bool(2) },
    { supplier: embedded(1, Supplier) },
  ),
  suppliers: query(
    "/pocket.supplier.Query/AllSuppliers",
    "AllSuppliers",
    {
      pagination: page(1),
      serviceId: string(2),
      operatorAddress: string(3),
      ownerAddress: string(4),
      dehydrated: bool(5),
    },
    { supplier: repeated(1, Supplier), pagination: nextPage },
  ),
  serviceParams: params("pocket.service", ServiceParams),
  service: query(
    "/pocket.service.Query/Service",
    "GetService",
    { id: string(1), dehydrated: bool(2) },
    { service: embedded(1, Service) },
  ),
  services: query(
    "/pocket.service.Query/AllServices",
    "AllServices",
    { pagination: page(1), dehydrated: bool(2) },
    { service: repeated(1, Service), pagination: nextPage },
  ),
  relayMiningDifficulty: query(
    "/pocket.service.Query/RelayMiningDifficulty",
    "GetRelayMiningDifficulty",
    { serviceId: string(1) },
    { relayMiningDifficulty: embedded(1, RelayMiningDifficulty) },
  ),
  relayMiningDifficultyAtHeight: query(
    "/pocket.service.Query/RelayMiningDifficultyAtHeight",
    "GetRelayMiningDifficultyAtHeight",
    serviceAtHeight,
    { relayMiningDifficulty: embedded(1, RelayMiningDifficulty) },
  ),
  relayMiningDifficultyHistory: query(
    "/pocket.service.Query/RelayMiningDifficultyHistory",
    "GetRelayMiningDifficultyHistory",
    ofService,
    { relayMiningDifficultyHistory: repeated(1, RelayMiningDifficultyUpdate), pagination: nextPage },
  ),
  computeUnitsPerRelayAtHeight: query(
    "/pocket.service.Query/ComputeUnitsPerRelayAtHeight",
    "GetComputeUnitsPerRelayAtHeight",
    serviceAtHeight,
    { computeUnitsPerRelay: uint64(1) },
  ),
  computeUnitsPerRelayHistory: query(
    "/pocket.service.Query/ComputeUnitsPerRelayHistory",
    "GetComputeUnitsPerRelayHistory",
    ofService,
    { computeUnitsPerRelayHistory: repeated(1, ServiceComputeUnitsPerRelayUpdate), pagination: nextPage },
  ),
  proofParams: params("pocket.proof", ProofParams),
  claim: query("/pocket.proof.Query/Claim", "GetClaim", ofClaim, { claim: embedded(1, Claim) }),
  allClaims: query("/pocket.proof.Query/AllClaims", "AllClaims", filtered, {
    claims: repeated(1, Claim),
    pagination: nextPage,
  }),
  proof: query("/pocket.proof.Query/Proof", "GetProof", ofClaim, { proof: embedded(1, Proof) }),
  allProofs: query("/pocket.proof.Query/AllProofs", "AllProofs", filtered, {
    proofs: repeated(1, Proof),
    pagination: nextPage,
  }),
  tokenomicsParams: params("pocket.tokenomics", TokenomicsParams),
  account: query(
    "/cosmos.auth.v1beta1.Query/Account",
    "Account",
    { address: string(1) },
    { account: embedded(1, Any) },
  ),
  authParams: params("cosmos.auth.v1beta1", AuthParams),
  balance: query(
    "/cosmos.bank.v1beta1.Query/Balance",
    "Balance",
    { address: string(1), denom: string(2) },
    { balance: embedded(1, Coin) },
  ),
  allBalances: query(
    "/cosmos.bank.v1beta1.Query/AllBalances",
    "AllBalances",
    { address: string(1), pagination: page(2), resolveDenom: bool(3) },
    { balances: repeated(1, Coin), pagination: nextPage },
  ),
  simulate: {
    path: "/cosmos.tx.v1beta1.Service/Simulate",
    request: SimulateRequest,
    response: SimulateResponse,
  } satisfies Query<SimulateRequest, SimulateResponse>,
} as const;
