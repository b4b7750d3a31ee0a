import { compareBytes, fromHex, utf8 } from "../../../base/bytes.ts";
import type { Application } from "../../proto/application.ts";
import type { SharedParams } from "../../proto/shared.ts";
import { sessionAt } from "../session-grid.ts";

/**
 * The second member of the ring of an application without gateways. Its private key is made from a text that everybody knows, so
 * anybody can sign for such an application, on chain too (relay-path 3.2).
 */
export const PLACEHOLDER_PUBLIC_KEY: Uint8Array = fromHex(
  "021066f293709356a33e9c13017867586baf52513e845bc4335233a15ed1e00baf",
);

/** How the placeholder stands among the member addresses: upper-case hex, not bech32, which decides where it sorts (relay-path 3.2). */
export const PLACEHOLDER_ADDRESS = "6178B12D0711F3A930A6133C39AE3B89E9E79A04";

/**
 * Addresses whose keys may sign for an application in the session that ends at `sessionEndHeight`: the application, its gateways, and
 * those whose undelegation was not effective before that end; without any gateway, the placeholder (relay-path 3.2). Sorted as byte
 * strings; a gateway both delegated and pending is there twice. Give `params` where the height has not been compared with the chain's
 * session: the end of the session it falls in counts then, as in the chain.
 */
export function ringAddresses(
  application: Application,
  sessionEndHeight: bigint,
  params?: SharedParams,
): string[] {
  const end = params === undefined ? sessionEndHeight : sessionAt(params, sessionEndHeight).end;
  const pending = new Set<string>();
  for (const [height, { gatewayAddresses }] of application.pendingUndelegations)
    if (height >= end) for (const address of gatewayAddresses) pending.add(address);
  const gateways = [...application.delegateeGatewayAddresses, ...pending];
  const others = gateways.length > 0 ? gateways : [PLACEHOLDER_ADDRESS];
  return [application.address, ...others].sort((left, right) => compareBytes(utf8(left), utf8(right)));
}

/** Public keys of ring addresses, in their order; the placeholder's is known here, the others come from `keyOf`. */
export const ringPublicKeys = (
  addresses: readonly string[],
  keyOf: (address: string) => Uint8Array,
): Uint8Array[] =>
  addresses.map((address) => (address === PLACEHOLDER_ADDRESS ? PLACEHOLDER_PUBLIC_KEY : keyOf(address)));
