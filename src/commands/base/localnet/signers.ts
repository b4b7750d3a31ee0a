import { AppError } from "../../../base/errors.ts";
import { application, session } from "../../../chain/node/queries.ts";
import type { ChainClient } from "../../../chain/node/types.ts";
import { PLACEHOLDER_ADDRESS, ringAddresses, ringPublicKeys } from "../../../chain/protocol/ring/members.ts";
import { prepareRing } from "../../../chain/protocol/ring/prepare.ts";
import type { Actor } from "./actors.ts";
import type { Plan, PlannedApplication } from "./plan.ts";
import type { Signers } from "./relay-client.ts";

/** One application's session as the chain gives it, with all it takes to sign for it. */
export type OpenSession = Signers & {
  readonly application: PlannedApplication;
  /** Those of the session whose keys are ours. */
  readonly suppliers: readonly Actor[];
};

/** The sessions of all applications at a height, in the plan's order. Throws the client's errors, LOCALNET_FAILED without suppliers. */
export const openSessionsAt = (client: ChainClient, plan: Plan, height: bigint): Promise<OpenSession[]> =>
  Promise.all(plan.applications.map((planned) => openOne(client, plan, planned, height)));

async function openOne(
  client: ChainClient,
  plan: Plan,
  planned: PlannedApplication,
  blockHeight: bigint,
): Promise<OpenSession> {
  const of = { applicationAddress: planned.address, serviceId: planned.service.id, blockHeight };
  const [onChain, found] = await Promise.all([application(client, planned.address), session(client, of)]);
  const { header } = found;
  const chosen = new Set(found.suppliers.map(({ operatorAddress }) => operatorAddress));
  const suppliers = plan.suppliers.filter(({ address }) => chosen.has(address));
  if (header === undefined || suppliers.length === 0)
    throw new AppError("LOCALNET_FAILED", `The session of ${planned.service.id} has no supplier of ours`, {
      height: blockHeight,
    });
  const addresses = ringAddresses(onChain, header.sessionEndBlockHeight);
  const holders = new Map([planned, ...plan.gateways].map((actor) => [actor.address, actor]));
  const publicKeys = ringPublicKeys(addresses, (address) => holderOf(holders, address).publicKey);
  const members = addresses.flatMap((address, index) =>
    address === PLACEHOLDER_ADDRESS ? [] : [{ index, actor: holderOf(holders, address) }],
  );
  return { application: planned, header, suppliers, publicKeys, ring: prepareRing(publicKeys), members };
}

function holderOf(holders: ReadonlyMap<string, Actor>, address: string): Actor {
  const holder = holders.get(address);
  if (holder === undefined)
    throw new AppError("LOCALNET_FAILED", "A ring has a member that the localnet does not know", { address });
  return holder;
}
