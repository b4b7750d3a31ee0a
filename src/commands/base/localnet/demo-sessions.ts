import { AppError } from "../../../base/errors.ts";
import type { ChainClient } from "../../../chain/node/types.ts";
import { openSession, type PublicKeys } from "../../../runtime/client/session.ts";
import type { AnsweringSupplier, Signers } from "../../../runtime/client/sign.ts";
import type { Plan, PlannedApplication } from "./plan.ts";

/** One application's session, with all it takes to sign for it. */
export type DemoSession = Signers & {
  readonly application: PlannedApplication;
  /** Those of the session whose keys are ours. */
  readonly suppliers: readonly AnsweringSupplier[];
};

/** The sessions of all applications at a height, in the plan's order. Throws openSession's errors, LOCALNET_FAILED without suppliers. */
export const openSessionsAt = (
  client: ChainClient,
  keys: PublicKeys,
  plan: Plan,
  height: bigint,
): Promise<DemoSession[]> =>
  Promise.all(
    plan.applications.map(async (application) => {
      const { service, address, privateKey, gateways } = application;
      const { suppliers, ...signers } = await openSession(client, keys, {
        application: address,
        service: service.id,
        height,
        privateKeys: [privateKey, ...gateways.map((gateway) => gateway.privateKey)],
      });
      const chosen = new Set(suppliers.map((supplier) => supplier.address));
      const ours = plan.suppliers.filter((supplier) => chosen.has(supplier.address));
      if (ours.length === 0)
        throw new AppError("LOCALNET_FAILED", `The session of ${service.id} has no supplier of ours`, {
          height,
        });
      return { ...signers, application, suppliers: ours };
    }),
  );
