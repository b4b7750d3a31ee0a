import { QUERIES } from "../../../chain/proto/queries.ts";
import { HandlerError } from "../../context.ts";
import { type ChainState, liveParams, type ModuleName } from "../../state.ts";
import { baseDifficulty, computeUnitsAt, difficultyAt, sharedParamsAt } from "../at-height.ts";
import { querySession } from "../sessions.ts";
import { configsOf, dehydrated, hydrated } from "../supplier-record.ts";
import { handler, type QueryHandler } from "./answer.ts";
import { page } from "./paging.ts";

const notFound = (text: string) => new HandlerError("NotFound", text);

/** Keys of records by one name end with a slash in the store (recordings/abci_query/application_all). */
const named = <V>(name: string, value: V) => [`${name}/`, value] as const;

function paramsQueries(): readonly (readonly [string, QueryHandler])[] {
  const live = <Name extends ModuleName>(state: ChainState, name: Name) => ({
    params: liveParams(state, name),
  });
  return [
    [QUERIES.sharedParams.path, handler(QUERIES.sharedParams, (state) => live(state, "shared"))],
    [QUERIES.sessionParams.path, handler(QUERIES.sessionParams, (state) => live(state, "session"))],
    [
      QUERIES.applicationParams.path,
      handler(QUERIES.applicationParams, (state) => live(state, "application")),
    ],
    [QUERIES.gatewayParams.path, handler(QUERIES.gatewayParams, (state) => live(state, "gateway"))],
    [QUERIES.supplierParams.path, handler(QUERIES.supplierParams, (state) => live(state, "supplier"))],
    [QUERIES.serviceParams.path, handler(QUERIES.serviceParams, (state) => live(state, "service"))],
    [QUERIES.proofParams.path, handler(QUERIES.proofParams, (state) => live(state, "proof"))],
    [QUERIES.tokenomicsParams.path, handler(QUERIES.tokenomicsParams, (state) => live(state, "tokenomics"))],
    [
      QUERIES.sharedParamsAtHeight.path,
      handler(QUERIES.sharedParamsAtHeight, (state, { height }) => {
        if (height < 0n) throw new HandlerError("InvalidArgument", "height must be non-negative");
        return { params: sharedParamsAt(state, height) };
      }),
    ],
  ];
}

function actorQueries(): readonly (readonly [string, QueryHandler])[] {
  return [
    [
      QUERIES.getSession.path,
      handler(QUERIES.getSession, (state, { applicationAddress, serviceId, blockHeight: height }) => ({
        session: querySession(state, { applicationAddress, serviceId, height }),
      })),
    ],
    [
      QUERIES.application.path,
      handler(QUERIES.application, (state, { address }) => {
        const application = state.applications.get(address);
        if (application === undefined) throw notFound(`app address: ${address}: application not found`);
        return { application };
      }),
    ],
    [
      QUERIES.applications.path,
      handler(QUERIES.applications, (state, { pagination: wanted, delegateeGatewayAddress: gateway }) => {
        const all = state.applications
          .values()
          .filter((each) => gateway === "" || each.delegateeGatewayAddresses.includes(gateway));
        const { items, pagination } = page(
          all.map((each) => named(each.address, each)),
          wanted,
        );
        return { applications: items, pagination };
      }),
    ],
    [
      QUERIES.gateway.path,
      handler(QUERIES.gateway, (state, { address, dehydrated: short }) => {
        const gateway = state.gateways.get(address);
        if (gateway === undefined) throw notFound(`gateway not found: address ${address}: gateway not found`);
        return { gateway: short ? { ...gateway, metadata: undefined } : gateway };
      }),
    ],
    [
      QUERIES.gateways.path,
      handler(QUERIES.gateways, (state, { pagination: wanted, dehydrated: short }) => {
        const all = state.gateways.values().map((each) => (short ? { ...each, metadata: undefined } : each));
        const { items, pagination } = page(
          all.map((each) => named(each.address, each)),
          wanted,
        );
        return { gateways: items, pagination };
      }),
    ],
  ];
}

function supplierQueries(): readonly (readonly [string, QueryHandler])[] {
  return [
    [
      QUERIES.supplier.path,
      handler(QUERIES.supplier, (state, { operatorAddress, dehydrated: short }) => {
        const supplier = state.suppliers.get(operatorAddress);
        if (supplier === undefined)
          throw notFound(`supplier with operator address: "${operatorAddress}": supplier not found`);
        return { supplier: short ? dehydrated(state, supplier) : hydrated(state, supplier) };
      }),
    ],
    [
      QUERIES.suppliers.path,
      handler(QUERIES.suppliers, (state, { pagination: wanted, dehydrated: short, ...filter }) => {
        const all = state.suppliers
          .values()
          .filter(
            (each) =>
              (filter.operatorAddress === "" || each.operatorAddress === filter.operatorAddress) &&
              (filter.ownerAddress === "" || each.ownerAddress === filter.ownerAddress) &&
              (filter.serviceId === "" || offers(state, each.operatorAddress, filter.serviceId)),
          );
        const { items, pagination } = page(
          all.map((each) => named(each.operatorAddress, each)),
          wanted,
        );
        return { supplier: items.map((each) => (short ? dehydrated : hydrated)(state, each)), pagination };
      }),
    ],
  ];
}

const offers = (state: ChainState, operatorAddress: string, serviceId: string): boolean =>
  configsOf(state, operatorAddress).some(({ service }) => service?.serviceId === serviceId);

function serviceQueries(): readonly (readonly [string, QueryHandler])[] {
  return [
    [
      QUERIES.service.path,
      handler(QUERIES.service, (state, { id, dehydrated: short }) => {
        const service = state.services.get(id);
        if (service === undefined) throw notFound(`service ID not found: "${id}"`);
        return { service: short ? { ...service, metadata: undefined } : service };
      }),
    ],
    [
      QUERIES.services.path,
      handler(QUERIES.services, (state, { pagination: wanted, dehydrated: short }) => {
        const all = state.services.values().map((each) => (short ? { ...each, metadata: undefined } : each));
        const { items, pagination } = page(
          all.map((each) => named(each.id, each)),
          wanted,
        );
        return { service: items, pagination };
      }),
    ],
    [
      QUERIES.relayMiningDifficulty.path,
      handler(QUERIES.relayMiningDifficulty, (state, { serviceId }) => {
        requireService(state, serviceId);
        const live = state.difficulties.get(serviceId) ?? baseDifficulty(state, serviceId, state.height);
        return { relayMiningDifficulty: live };
      }),
    ],
    [
      QUERIES.relayMiningDifficultyAtHeight.path,
      handler(QUERIES.relayMiningDifficultyAtHeight, (state, { serviceId, blockHeight }) => {
        requireService(state, serviceId);
        return { relayMiningDifficulty: difficultyAt(state, serviceId, blockHeight) };
      }),
    ],
    [
      QUERIES.relayMiningDifficultyHistory.path,
      handler(QUERIES.relayMiningDifficultyHistory, (state, { serviceId, pagination: wanted }) => {
        const all = state.difficultyHistory.values(`${serviceId}/`);
        const { items, pagination } = page(all.map(byHeight), wanted);
        return { relayMiningDifficultyHistory: items, pagination };
      }),
    ],
    [
      QUERIES.computeUnitsPerRelayAtHeight.path,
      handler(QUERIES.computeUnitsPerRelayAtHeight, (state, { serviceId, blockHeight }) => {
        requireService(state, serviceId);
        return { computeUnitsPerRelay: computeUnitsAt(state, serviceId, blockHeight) ?? 0n };
      }),
    ],
    [
      QUERIES.computeUnitsPerRelayHistory.path,
      handler(QUERIES.computeUnitsPerRelayHistory, (state, { serviceId, pagination: wanted }) => {
        const all = state.cuprHistory.values(`${serviceId}/`);
        const { items, pagination } = page(all.map(byHeight), wanted);
        return { computeUnitsPerRelayHistory: items, pagination };
      }),
    ],
  ];
}

/** Fixed width, so that keys sort as the heights do. */
const byHeight = <V extends { readonly effectiveHeight: bigint }>(entry: V) =>
  [entry.effectiveHeight.toString().padStart(20, "0"), entry] as const;

function requireService(state: ChainState, serviceId: string): void {
  if (state.services.get(serviceId) === undefined)
    throw notFound(`serviceID: ${serviceId}: service not found`);
}

/** The pocket modules' queries but those of claims and proofs, by path (chain 3.2). */
export const pocketQueries = (): readonly (readonly [string, QueryHandler])[] => [
  ...paramsQueries(),
  ...actorQueries(),
  ...supplierQueries(),
  ...serviceQueries(),
];
