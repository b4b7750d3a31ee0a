import { createHash } from "node:crypto";
import { EMPTY, utf8 } from "../../src/base/bytes.ts";
import type { MsgCreateClaim, MsgSubmitProof } from "../../src/chain/proto/proof.ts";
import { Relay, type RelayRequest } from "../../src/chain/proto/service.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { addressOf } from "../../src/chain/protocol/address.ts";
import { publicKeyOf, signDigest } from "../../src/chain/protocol/ecdsa.ts";
import { proofPath } from "../../src/chain/protocol/proof-path.ts";
import { relayHash, requestDigest } from "../../src/chain/protocol/relay-hash.ts";
import { buildResponse } from "../../src/chain/protocol/response-signature.ts";
import { ringAddresses, ringPublicKeys } from "../../src/chain/protocol/ring/members.ts";
import { signRing } from "../../src/chain/protocol/ring/sign.ts";
import { setPublicKey } from "../../src/devnet/chain/accounts.ts";
import { getSession } from "../../src/devnet/chain/sessions.ts";
import { type ForkedState, type ModuleParams, StateStore } from "../../src/devnet/state.ts";
import { sortable } from "../../src/devnet/table.ts";
import { encodeClosestProof } from "../../src/smst/gob.ts";
import { Trie } from "../../src/smst/trie.ts";
import { addApplication, addService, addSupplier, SHARED_PARAMS, stateAt } from "./money-state.ts";

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest());

/** Somebody with a key. */
export type Person = {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly address: string;
};

function person(name: string): Person {
  const privateKey = sha256(utf8(name));
  const publicKey = publicKeyOf(privateKey);
  return { privateKey, publicKey, address: addressOf(publicKey) };
}

export const APPLICATION: Person = person("application");
export const GATEWAY: Person = person("gateway");
export const SUPPLIER: Person = person("supplier");
export const OTHER_SUPPLIER: Person = person("other supplier");
export const STRANGER: Person = person("stranger");

export const SERVICE_ID = "develop-http";
export const OTHER_SERVICE_ID = "develop-grpc";
/** Of the session in hand: claims 422 to 426, proofs 426 to 430, seed block 425. */
export const START = 411n;
export const END = 420n;

/** Hashes are those of the block's number as a text. */
export const blockHash = (height: bigint): Uint8Array => sha256(utf8(`block ${height}`));

/** One service with two suppliers, one application with a gateway, all with keys and coins, at a height. */
export function worldAt(height: bigint, params: Partial<ModuleParams> = {}): ForkedState {
  const state = stateAt(new StateStore("pocket"), height, params);
  addService(state, SERVICE_ID);
  addService(state, OTHER_SERVICE_ID);
  for (const supplier of [SUPPLIER, OTHER_SUPPLIER]) addSupplier(state, SERVICE_ID, supplier.address);
  addApplication(state, APPLICATION.address, {
    serviceId: SERVICE_ID,
    stake: 1_000_000_000n,
    delegateeGatewayAddresses: [GATEWAY.address],
  });
  for (const { publicKey, address } of [APPLICATION, GATEWAY, SUPPLIER, OTHER_SUPPLIER]) {
    setPublicKey(state, publicKey);
    state.balances.set(address, 1_000_000n);
  }
  for (let past = 1n; past < height; past++) state.blockHashes.set(sortable(past), blockHash(past));
  return state;
}

/** The header of the session that a height of it falls into. */
export function headerAt(state: ForkedState, height: bigint = START): SessionHeader {
  const { header } = getSession(state, {
    applicationAddress: APPLICATION.address,
    serviceId: SERVICE_ID,
    height,
  });
  if (header === undefined) throw new TypeError("a session without header");
  return header;
}

type RelayParts = {
  readonly header: SessionHeader;
  readonly payload: string;
  /** Who signs the request, as a member of the application's ring. */
  readonly signer?: Person;
  readonly supplier?: Person;
  /** Whose key the response is signed with. */
  readonly responder?: Person;
};

/** A relay as it is mined, signed by gateway and supplier. */
export function signedRelay(state: ForkedState, parts: RelayParts): Relay {
  const { header, payload, signer = GATEWAY, supplier = SUPPLIER, responder = supplier } = parts;
  const unsigned: RelayRequest = {
    meta: { sessionHeader: header, signature: EMPTY, supplierOperatorAddress: supplier.address },
    payload: utf8(payload),
  };
  const signature = ringSignature(state, unsigned, signer);
  const req: RelayRequest = { ...unsigned, meta: { ...unsigned.meta, signature } };
  const response = buildResponse({
    request: req,
    payload: utf8(`answer to ${payload}`),
    sign: (digest) => signDigest(responder.privateKey, digest),
  });
  return { req, res: { ...response, payload: EMPTY } };
}

function ringSignature(state: ForkedState, request: RelayRequest, signer: Person): Uint8Array {
  const application = state.applications.get(APPLICATION.address);
  if (application === undefined) throw new TypeError("no application");
  const addresses = ringAddresses(application, END, SHARED_PARAMS);
  const members = addresses.includes(signer.address) ? addresses : [...addresses, signer.address];
  const keys = ringPublicKeys(members, (address) => {
    const known = state.accounts.get(address)?.publicKey;
    return known ?? signer.publicKey;
  });
  return signRing({
    publicKeys: keys,
    signerIndex: members.indexOf(signer.address),
    privateKey: signer.privateKey,
    digest: requestDigest(request),
  });
}

/** A trie of relays, as a miner keeps it: 1000 compute units each. */
export function trieOf(relays: readonly Relay[], weight = 1000n): Trie {
  const trie = new Trie({ get: () => undefined });
  for (const relay of relays) {
    const bytes = Relay.encode(relay);
    trie.update(relayHash(bytes), bytes, weight);
  }
  return trie;
}

export const claimOf = (header: SessionHeader, trie: Trie, supplier: Person = SUPPLIER): MsgCreateClaim => ({
  supplierOperatorAddress: supplier.address,
  sessionHeader: header,
  rootHash: trie.root(),
});

/** The proof that the chain asks for, or that for another path. */
export const proofOf = (
  header: SessionHeader,
  trie: Trie,
  path: Uint8Array = proofPath(blockHash(425n), header.sessionId),
): MsgSubmitProof => ({
  supplierOperatorAddress: SUPPLIER.address,
  sessionHeader: header,
  proof: encodeClosestProof(trie.proveClosest(path)),
});

/** Five good relays of the session. */
export const goodRelays = (state: ForkedState, header: SessionHeader): Relay[] =>
  ["a", "b", "c", "d", "e"].map((payload) => signedRelay(state, { header, payload }));
