import { equalBytes } from "../../base/bytes.ts";
import { AppError } from "../../base/errors.ts";
import { account, application, session } from "../../chain/node/queries.ts";
import type { ChainClient } from "../../chain/node/types.ts";
import type { SupplierEndpoint } from "../../chain/proto/shared.ts";
import { publicKeyOf } from "../../chain/protocol/ecdsa.ts";
import { PLACEHOLDER_ADDRESS, ringAddresses, ringPublicKeys } from "../../chain/protocol/ring/members.ts";
import { prepareRing } from "../../chain/protocol/ring/prepare.ts";
import type { Signers } from "./sign.ts";

type Client = Pick<ChainClient, "query">;

export type SessionSupplier = {
  readonly address: string;
  /** Undefined when the chain has no key for its account: its signature cannot be checked then. */
  readonly publicKey: Uint8Array | undefined;
  /** Where it says that it takes relays of this service. */
  readonly endpoints: readonly SupplierEndpoint[];
};

/** One application's session as the chain gives it, with all it takes to sign in it and to check the answers. */
export type OpenSession = Signers & {
  /** In the chain's order; never empty. */
  readonly suppliers: readonly SessionSupplier[];
};

export type SessionWish = {
  readonly application: string;
  readonly service: string;
  /** Any block of the session; 0 for the current one. */
  readonly height: bigint;
  /** Those of them that are in the ring sign in turn. */
  readonly privateKeys: readonly Uint8Array[];
};

/**
 * The session at a height, from the chain alone. Throws AppError NOT_IN_RING when none of the keys may sign for the application,
 * KEY_UNKNOWN when the chain lacks a ring member's public key, NO_SUPPLIERS, CHAIN_NOT_FOUND for an application that is not staked,
 * CHAIN_REFUSED with the chain's words about the session, and the client's other errors.
 */
export async function openSession(client: Client, keys: PublicKeys, wish: SessionWish): Promise<OpenSession> {
  const { application: address, service: serviceId, height } = wish;
  const onChain = await application(client, address);
  const found = await session(client, { applicationAddress: address, serviceId, blockHeight: height });
  const { header } = found;
  if (header === undefined || found.suppliers.length === 0)
    throw new AppError("NO_SUPPLIERS", `The ${sessionAt(height)} of ${serviceId} has no suppliers`, {
      why: "nobody was staked for the service when the session began",
    });
  const addresses = ringAddresses(onChain, header.sessionEndBlockHeight);
  const held = new Map<string, Uint8Array>();
  for (const member of addresses)
    if (member !== PLACEHOLDER_ADDRESS) held.set(member, await ringKey(keys, member));
  const publicKeys = ringPublicKeys(addresses, (member) => held.get(member) ?? new Uint8Array());
  const members = membersOf(publicKeys, wish.privateKeys);
  if (members.length === 0) throw notInRing(address, addresses);
  const suppliers = await Promise.all(
    found.suppliers.map(async ({ operatorAddress, services }) => ({
      address: operatorAddress,
      publicKey: await keys.of(operatorAddress),
      endpoints: services.find((each) => each.serviceId === serviceId)?.endpoints ?? [],
    })),
  );
  return { header, publicKeys, ring: prepareRing(publicKeys), members, suppliers };
}

const sessionAt = (height: bigint) => (height === 0n ? "current session" : `session at block ${height}`);

/** Public keys of accounts, each asked for once: an account's key never changes. As many as sessions and rings name. */
export class PublicKeys {
  readonly #client: Client;
  readonly #keys = new Map<string, Promise<Uint8Array | undefined>>();

  constructor(client: Client) {
    this.#client = client;
  }

  /** 33 bytes; undefined when the account has none on chain, which it has from its first transaction on. */
  of(address: string): Promise<Uint8Array | undefined> {
    const known = this.#keys.get(address);
    if (known !== undefined) return known;
    const asked = account(this.#client, address).then((found) => found?.publicKey);
    this.#keys.set(address, asked);
    asked.catch(() => this.#keys.delete(address));
    return asked;
  }
}

async function ringKey(keys: PublicKeys, address: string): Promise<Uint8Array> {
  const key = await keys.of(address);
  if (key === undefined)
    throw new AppError("KEY_UNKNOWN", `The chain has no public key of ${address}`, {
      why: "it may sign for the application, and its account has never sent a transaction",
    });
  return key;
}

/** Which places of a ring are ours, in ring order. */
export const membersOf = (
  publicKeys: readonly Uint8Array[],
  privateKeys: readonly Uint8Array[],
): Signers["members"] => {
  const ours = privateKeys.map((privateKey) => ({ privateKey, publicKey: publicKeyOf(privateKey) }));
  return publicKeys.flatMap((publicKey, index) => {
    const holder = ours.find((own) => equalBytes(own.publicKey, publicKey));
    return holder === undefined ? [] : [{ index, privateKey: holder.privateKey }];
  });
};

function notInRing(address: string, addresses: readonly string[]): AppError {
  const others = addresses.filter((member) => member !== PLACEHOLDER_ADDRESS && member !== address);
  const gateways =
    others.length === 0 ? "it has delegated to no gateway" : `its gateways: ${others.join(", ")}`;
  return new AppError("NOT_IN_RING", `The key given may not sign for ${address}`, {
    why: `the application itself may sign, and ${gateways}`,
  });
}
