import { describe, expect, test } from "vitest";
import { bigToBytes, concatBytes, EMPTY, toHex, utf8 } from "../../src/base/bytes.ts";
import type { MsgCreateClaim, MsgSubmitProof } from "../../src/chain/proto/proof.ts";
import type { Relay } from "../../src/chain/proto/service.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { BASE_TARGET } from "../../src/chain/protocol/difficulty.ts";
import { proofPath } from "../../src/chain/protocol/proof-path.ts";
import { type ChainEvent, HandlerError } from "../../src/devnet/context.ts";
import { atHeightKey, claimKey, storeClaim } from "../../src/devnet/keys.ts";
import {
  endBlockProofs,
  endBlockTokenomics,
  handleCreateClaim,
  handleSubmitProof,
  statelessProblem,
} from "../../src/devnet/money/main.ts";
import { type ForkedState, fork, type ModuleParams } from "../../src/devnet/state.ts";
import { encodeClosestProof } from "../../src/smst/gob.ts";
import type { Trie } from "../../src/smst/trie.ts";
import { addApplication, MODULE_PARAMS, recorder, upokt } from "../kit/money-state.ts";
import {
  APPLICATION,
  blockHash,
  claimOf,
  END,
  GATEWAY,
  goodRelays,
  headerAt,
  OTHER_SERVICE_ID,
  OTHER_SUPPLIER,
  proofOf,
  SERVICE_ID,
  START,
  STRANGER,
  SUPPLIER,
  signedRelay,
  trieOf,
  worldAt,
} from "../kit/money-world.ts";

// A good claim and a good proof, then every field of them changed: who refuses it, and in which words (chain 7.1, 7.2, 7.4).

type Verdict =
  | "accepted"
  | { readonly stateless: number; readonly text: string }
  | { readonly grpc: string; readonly text: string };

/** Runs a message as a transaction does: checks without state, then the handler on a state that is dropped on failure. */
function deliver(
  state: ForkedState,
  message: MsgCreateClaim | MsgSubmitProof,
): { verdict: Verdict; events: ChainEvent[] } {
  const problem = statelessProblem(message);
  if (problem !== undefined) return { verdict: { stateless: problem.code, text: problem.text }, events: [] };
  const draft = fork(state);
  const { ctx, events } = recorder(draft);
  try {
    if ("proof" in message) handleSubmitProof(draft, message, ctx);
    else handleCreateClaim(draft, message, ctx);
  } catch (thrown) {
    if (!(thrown instanceof HandlerError)) throw thrown;
    return { verdict: { grpc: thrown.grpcClass, text: thrown.text }, events: [] };
  }
  draft.commit();
  return { verdict: "accepted", events };
}

const attribute = (event: ChainEvent | undefined, key: string): string | undefined =>
  event?.attributes.find((candidate) => candidate.key === key)?.value;

const HEADER_OF = (changes: Partial<SessionHeader>) => (message: MsgCreateClaim) => ({
  ...message,
  sessionHeader: { ...(message.sessionHeader as SessionHeader), ...changes },
});

const root = (sum: bigint, count: bigint): Uint8Array =>
  concatBytes(new Uint8Array(32), bigToBytes(sum, 8), bigToBytes(count, 8));

const OTHER_ID = "ab".repeat(32);

type ClaimCase = {
  readonly name: string;
  readonly change: (message: MsgCreateClaim) => MsgCreateClaim;
  readonly height?: bigint;
  readonly expected: Verdict | ((message: MsgCreateClaim) => Verdict);
};

const invalidHeader = (text: string): Verdict => ({
  stateless: 1115,
  text: `invalid session header: ${text}: invalid session header`,
});
const invalidRoot = (text: string): Verdict => ({ stateless: 1104, text: `${text}: invalid root hash` });

const CLAIMS: readonly ClaimCase[] = [
  { name: "nothing", change: (message) => message, expected: "accepted" },
  {
    name: "supplier that is no address",
    change: (message) => ({ ...message, supplierOperatorAddress: "pokt1zz" }),
    expected: { stateless: 1101, text: "pokt1zz: invalid address" },
  },
  {
    name: "no header",
    change: (message) => ({ ...message, sessionHeader: undefined }),
    expected: { stateless: 1115, text: "session header is nil: invalid session header" },
  },
  {
    name: "application that is no address",
    change: HEADER_OF({ applicationAddress: "pokt1xx" }),
    expected: invalidHeader(
      '"pokt1xx"; (decoding bech32 failed: invalid bech32 string length 7): invalid application address for session',
    ),
  },
  {
    name: "empty session id",
    change: HEADER_OF({ sessionId: "" }),
    expected: invalidHeader('"": invalid sessionId'),
  },
  {
    name: "service id with a blank",
    change: HEADER_OF({ serviceId: "a b" }),
    expected: invalidHeader("service ID 'a b' contains invalid characters: invalid service ID"),
  },
  {
    name: "empty service id",
    change: HEADER_OF({ serviceId: "" }),
    expected: invalidHeader("empty service ID: invalid service ID"),
  },
  {
    name: "service id of 43 letters",
    change: HEADER_OF({ serviceId: "a".repeat(43) }),
    expected: invalidHeader(`service ID '${"a".repeat(43)}' exceeds maximum length: 42: invalid service ID`),
  },
  {
    name: "start 0",
    change: HEADER_OF({ sessionStartBlockHeight: 0n }),
    expected: invalidHeader(
      "sessions can only start at height 1 or greater: invalid block height for session",
    ),
  },
  {
    name: "end at start",
    change: HEADER_OF({ sessionEndBlockHeight: START }),
    expected: invalidHeader(
      "session end block height cannot be less than or equal to session start block height: invalid block height for session",
    ),
  },
  ...[0, 47, 49].map((length) => ({
    name: `root of ${length} bytes`,
    change: (message: MsgCreateClaim) => ({ ...message, rootHash: new Uint8Array(length) }),
    expected: invalidRoot(`expecting root hash to be 48 bytes, got ${length} bytes`),
  })),
  {
    name: "root with count and sum 0: the count is named",
    change: (message) => ({ ...message, rootHash: root(0n, 0n) }),
    expected: invalidRoot(`has zero count in Merkle root (hex) ${toHex(root(0n, 0n))}`),
  },
  {
    name: "root with sum 0",
    change: (message) => ({ ...message, rootHash: root(0n, 1n) }),
    expected: invalidRoot(`has zero sum in Merkle root (hex) ${toHex(root(0n, 1n))}`),
  },
  {
    name: "unknown application",
    change: HEADER_OF({ applicationAddress: STRANGER.address }),
    expected: {
      grpc: "InvalidArgument",
      text: `could not find app with address "${STRANGER.address}" at height 411: application for session not found not found `,
    },
  },
  {
    name: "another service",
    change: HEADER_OF({ serviceId: OTHER_SERVICE_ID }),
    expected: {
      grpc: "InvalidArgument",
      text: `application "${APPLICATION.address}" not staked for service ID "${OTHER_SERVICE_ID}": application in session not staked for requested service`,
    },
  },
  {
    name: "start in the future",
    change: HEADER_OF({ sessionStartBlockHeight: 1411n, sessionEndBlockHeight: 1420n }),
    expected: {
      grpc: "InvalidArgument",
      text: "block height 1411 is ahead of the last committed block height 422: error during session hydration",
    },
  },
  {
    name: "another session id",
    change: HEADER_OF({ sessionId: OTHER_ID }),
    expected: (message) => ({
      grpc: "InvalidArgument",
      text: `session ID does not match onchain session ID; expected "${message.sessionHeader?.sessionId}", got "${OTHER_ID}": invalid session ID`,
    }),
  },
  {
    name: "supplier that is not in the session",
    change: (message) => ({ ...message, supplierOperatorAddress: STRANGER.address }),
    expected: (message) => ({
      grpc: "InvalidArgument",
      text: `supplier operator address "${STRANGER.address}" not found in session ID "${message.sessionHeader?.sessionId}": supplier not found`,
    }),
  },
  {
    name: "too early",
    change: (message) => message,
    height: 421n,
    expected: {
      grpc: "FailedPrecondition",
      text: "current block height (421) is less than the session's earliest claim commit height (422): claim attempted outside of the session's claim window",
    },
  },
  { name: "in the last block", change: (message) => message, height: 426n, expected: "accepted" },
  {
    name: "too late",
    change: (message) => message,
    height: 427n,
    expected: {
      grpc: "FailedPrecondition",
      text: "current block height (427) is greater than session claim window close height (426): claim attempted outside of the session's claim window",
    },
  },
  {
    name: "one compute unit too many",
    change: (message) => ({ ...message, rootHash: root(5001n, 5n) }),
    expected: {
      grpc: "InvalidArgument",
      text: "claim compute units: 5001 is not equal to number of relays 5 * compute units per relay 1000 for service develop-http: mismatch: claim compute units != number of relays * service compute units per relay",
    },
  },
  {
    name: "start moved inside the session",
    change: HEADER_OF({ sessionStartBlockHeight: START + 1n }),
    expected: "accepted",
  },
  {
    name: "end one too low",
    change: HEADER_OF({ sessionEndBlockHeight: END - 1n }),
    expected: "accepted",
  },
  {
    name: "end one too high: the next session's window counts",
    change: HEADER_OF({ sessionEndBlockHeight: END + 1n }),
    expected: {
      grpc: "FailedPrecondition",
      text: "current block height (422) is less than the session's earliest claim commit height (432): claim attempted outside of the session's claim window",
    },
  },
];

describe("a claim with one thing changed", () => {
  test.each(CLAIMS)("$name", ({ change, height = 422n, expected }) => {
    const state = worldAt(height);
    const header = headerAt(state);
    const good = claimOf(header, trieOf(goodRelays(state, header)));
    const wanted = typeof expected === "function" ? expected(good) : expected;
    expect(deliver(state, change(good)).verdict).toEqual(wanted);
  });

  test("tells what was claimed, as the chain does", () => {
    const state = worldAt(422n);
    const header = headerAt(state);
    const message = claimOf(header, trieOf(goodRelays(state, header)));
    const { events } = deliver(state, message);
    const fields = [
      ["application_address", `"${APPLICATION.address}"`],
      ["claim_proof_status_int", "0"],
      ["claimed_upokt", '"500000upokt"'],
      ["num_claimed_compute_units", '"5000"'],
      ["num_estimated_compute_units", '"5000"'],
      ["num_estimated_relays", '"5"'],
      ["num_relays", '"5"'],
      ["service_id", '"develop-http"'],
      ["session_end_block_height", '"420"'],
      ["supplier_operator_address", `"${SUPPLIER.address}"`],
    ];
    expect(events).toEqual([
      {
        type: "pocket.proof.EventClaimCreated",
        attributes: fields.map(([key, value]) => ({ key, value })),
      },
    ]);
    expect(deliver(state, message).events[0]?.type).toBe("pocket.proof.EventClaimUpdated");
  });

  test("a replaced claim is pending again, and one with another end leaves its index entry behind", () => {
    const state = worldAt(424n);
    const header = headerAt(state);
    const message = claimOf(header, trieOf(goodRelays(state, header)));
    storeClaim(state, { ...message, proofValidationStatus: 1 });
    deliver(state, HEADER_OF({ sessionEndBlockHeight: END - 1n })(message));
    const key = claimKey(header.sessionId, SUPPLIER.address);
    expect(state.claims.get(key)?.proofValidationStatus).toBe(0);
    expect(state.claims.get(key)?.sessionHeader?.sessionEndBlockHeight).toBe(419n);
    expect(state.claimEnds.keys()).toHaveLength(2);
  });
});

/** A state with a claim of five good relays, ready for its proof. */
function claimed(height = 426n, params: Partial<ModuleParams> = {}) {
  const state = worldAt(height, params);
  const header = headerAt(state);
  const relays = goodRelays(state, header);
  const trie = trieOf(relays);
  storeClaim(state, { ...claimOf(header, trie), proofValidationStatus: 0 });
  return { state, header, relays, trie };
}
type Claimed = ReturnType<typeof claimed>;

/** A proof of one relay that was changed after it was signed; its trie is not the claimed one. */
const proofOfRelay = ({ header }: Claimed, relay: Relay): MsgSubmitProof => proofOf(header, trieOf([relay]));

type Meta = { readonly sessionHeader?: SessionHeader | undefined };
const inRequest =
  (changes: Meta & { signature?: Uint8Array; supplierOperatorAddress?: string }) =>
  (world: Claimed): MsgSubmitProof => {
    const relay = signedRelay(world.state, { header: world.header, payload: "a" });
    const req = relay.req as NonNullable<Relay["req"]>;
    return proofOfRelay(world, { ...relay, req: { ...req, meta: { ...req.meta, ...changes } } });
  };
const inResponse =
  (changes: Meta & { supplierOperatorSignature?: Uint8Array }) =>
  (world: Claimed): MsgSubmitProof => {
    const relay = signedRelay(world.state, { header: world.header, payload: "a" });
    const res = relay.res as NonNullable<Relay["res"]>;
    return proofOfRelay(world, { ...relay, res: { ...res, meta: { ...res.meta, ...changes } } });
  };
const headerChanges =
  (put: (changes: Meta) => (world: Claimed) => MsgSubmitProof, changes: Partial<SessionHeader>) =>
  (world: Claimed): MsgSubmitProof =>
    put({ sessionHeader: { ...world.header, ...changes } })(world);

const messageChanges =
  (changes: Partial<MsgSubmitProof>) =>
  ({ header, trie }: Claimed): MsgSubmitProof => ({ ...proofOf(header, trie), ...changes });

const proofHeader =
  (changes: Partial<SessionHeader>) =>
  ({ header, trie }: Claimed): MsgSubmitProof => ({
    ...proofOf(header, trie),
    sessionHeader: { ...header, ...changes },
  });

const refused = (text: string): Verdict => ({ grpc: "FailedPrecondition", text });

type ProofCase = {
  readonly name: string;
  readonly make: (world: Claimed) => MsgSubmitProof;
  readonly height?: bigint;
  readonly params?: Partial<ModuleParams>;
  readonly arrange?: (world: Claimed) => void;
  readonly expected: Verdict | RegExp | ((world: Claimed) => Verdict);
};

const good = messageChanges({});

const mismatches = (
  who: string,
  put: (changes: Meta) => (world: Claimed) => MsgSubmitProof,
): readonly ProofCase[] => [
  {
    name: `another application in the ${who}`,
    make: headerChanges(put, { applicationAddress: STRANGER.address }),
    expected: refused(
      `session headers application addresses mismatch; expect: "${APPLICATION.address}", got: "${STRANGER.address}": invalid relay`,
    ),
  },
  {
    name: `another service in the ${who}`,
    make: headerChanges(put, { serviceId: OTHER_SERVICE_ID }),
    expected: refused(
      'session headers service IDs mismatch; expected: "develop-http", got: "develop-grpc": invalid relay',
    ),
  },
  {
    name: `another start in the ${who}`,
    make: headerChanges(put, { sessionStartBlockHeight: 412n }),
    expected: refused(
      "session headers session start heights mismatch; expected: 411, got: 412: invalid relay",
    ),
  },
  {
    name: `another end in the ${who}`,
    make: headerChanges(put, { sessionEndBlockHeight: 421n }),
    expected: refused("session headers session end heights mismatch; expected: 420, got: 421: invalid relay"),
  },
  {
    name: `another session id in the ${who}`,
    make: headerChanges(put, { sessionId: OTHER_ID }),
    expected: ({ header }) =>
      refused(
        `session headers session IDs mismatch; expected: "${header.sessionId}", got: "${OTHER_ID}": invalid relay`,
      ),
  },
];

const PROOF_PARAMS = MODULE_PARAMS.proof;

const PROOFS: readonly ProofCase[] = [
  { name: "nothing", make: good, expected: "accepted" },
  {
    name: "supplier that is no address",
    make: messageChanges({ supplierOperatorAddress: "pokt1zz" }),
    expected: { stateless: 1101, text: "pokt1zz: invalid address" },
  },
  {
    name: "no header",
    make: messageChanges({ sessionHeader: undefined }),
    expected: { stateless: 1115, text: "session header is nil: invalid session header" },
  },
  {
    name: "empty proof",
    make: messageChanges({ proof: EMPTY }),
    expected: { stateless: 1108, text: "proof cannot be empty: invalid proof" },
  },
  {
    name: "another session id",
    make: proofHeader({ sessionId: OTHER_ID }),
    expected: ({ header }) =>
      refused(
        `session ID does not match onchain session ID; expected "${header.sessionId}", got "${OTHER_ID}": invalid session ID`,
      ),
  },
  {
    name: "supplier that is not in the session",
    make: messageChanges({ supplierOperatorAddress: STRANGER.address }),
    expected: ({ header }) =>
      refused(
        `supplier operator address "${STRANGER.address}" not found in session ID "${header.sessionId}": supplier not found`,
      ),
  },
  {
    name: "too early",
    make: good,
    height: 425n,
    expected: refused(
      "current block height (425) is less than session's earliest proof commit height (426): proof attempted outside of the session's proof window",
    ),
  },
  { name: "in the last block", make: good, height: 430n, expected: "accepted" },
  {
    name: "too late",
    make: good,
    height: 431n,
    expected: refused(
      "current block height (431) is greater than session proof window close height (430): proof attempted outside of the session's proof window",
    ),
  },
  {
    name: "bytes that are no gob",
    make: messageChanges({ proof: utf8("garbage") }),
    expected: refused(
      "failed to unmarshal sparse compact merkle closest proof: unexpected EOF: invalid proof",
    ),
  },
  {
    name: "a gob that ends early",
    make: (world) => ({ ...good(world), proof: good(world).proof.slice(0, -20) }),
    expected: refused(
      "failed to unmarshal sparse compact merkle closest proof: unexpected EOF: invalid proof",
    ),
  },
  {
    name: "a path of 31 bytes",
    make: (world) => {
      const { trie, header } = world;
      const proof = trie.proveClosest(proofPath(blockHash(425n), header.sessionId));
      return { ...good(world), proof: encodeClosestProof({ ...proof, path: proof.path.slice(1) }) };
    },
    expected: /^failed to decompact sparse erkle closest proof: .*: invalid proof$/,
  },
  {
    name: "a leaf that is no relay",
    make: (world) => {
      const { trie, header } = world;
      const proof = trie.proveClosest(proofPath(blockHash(425n), header.sessionId));
      const closestValueHash = concatBytes(Uint8Array.of(0xff, 0xff), new Uint8Array(16));
      return { ...good(world), proof: encodeClosestProof({ ...proof, closestValueHash }) };
    },
    expected: /^failed to unmarshal relay: .*: invalid relay$/,
  },
  {
    name: "no request",
    make: (world) => proofOfRelay(world, { ...(world.relays[0] as Relay), req: undefined }),
    expected: refused("missing session header: invalid relay request"),
  },
  {
    name: "request without signature",
    make: inRequest({ signature: EMPTY }),
    expected: refused("missing application signature: invalid relay request"),
  },
  {
    name: "request without supplier",
    make: inRequest({ supplierOperatorAddress: "" }),
    expected: refused("relay metadata missing supplier operator address: invalid relay request"),
  },
  {
    name: "request for another supplier",
    make: inRequest({ supplierOperatorAddress: OTHER_SUPPLIER.address }),
    expected: refused("supplier type mismatch: supplier operator address does not match the claim or proof"),
  },
  {
    name: "no response",
    make: (world) => proofOfRelay(world, { ...(world.relays[0] as Relay), res: undefined }),
    expected: refused("missing meta: invalid relay response"),
  },
  {
    name: "response without signature",
    make: inResponse({ supplierOperatorSignature: EMPTY }),
    expected: refused("missing supplier operator signature: invalid relay response"),
  },
  ...mismatches("request", inRequest),
  ...mismatches("response", inResponse),
  {
    name: "a relay that is too easy",
    make: good,
    arrange: ({ state }) =>
      state.difficultyHistory.set(atHeightKey(SERVICE_ID, 400n), {
        effectiveHeight: 400n,
        difficulty: {
          serviceId: SERVICE_ID,
          blockHeight: 400n,
          numRelaysEma: 1n,
          targetHash: bigToBytes(1n, 32),
        },
      }),
    expected:
      /^failed to validate relay difficulty for service develop-http due to: the difficulty relay being proven is \(\d+\/\d+\), and is smaller than the target difficulty \(\d+\/1\): invalid relay: invalid relay difficulty$/,
  },
  {
    name: "no claim",
    make: good,
    arrange: ({ state, header }) => state.claims.delete(claimKey(header.sessionId, SUPPLIER.address)),
    expected: ({ header }) =>
      refused(
        `no claim found for session ID "${header.sessionId}" and supplier "${SUPPLIER.address}": claim not found`,
      ),
  },
  {
    name: "a claim with a moved start",
    make: good,
    arrange: ({ state, header, trie }) =>
      storeClaim(state, {
        ...claimOf({ ...header, sessionStartBlockHeight: 412n }, trie),
        proofValidationStatus: 0,
      }),
    expected: /^claim session start height 412 /,
  },
  {
    name: "a claim with a moved end",
    make: good,
    arrange: ({ state, header, trie }) =>
      storeClaim(state, {
        ...claimOf({ ...header, sessionEndBlockHeight: 419n }, trie),
        proofValidationStatus: 0,
      }),
    expected: /^claim session end height 419 /,
  },
  {
    name: "no coins",
    make: good,
    arrange: ({ state }) => state.balances.delete(SUPPLIER.address),
    expected: /^account has no spendable coins: /,
  },
  {
    name: "no more coins than the fee",
    make: good,
    arrange: ({ state }) => state.balances.set(SUPPLIER.address, 10_000n),
    expected: refused(
      "account has 10000, but the proof submission fee is 10000upokt: not enough funds to submit proof",
    ),
  },
  {
    name: "one coin more than the fee",
    make: good,
    arrange: ({ state }) => state.balances.set(SUPPLIER.address, 10_001n),
    expected: "accepted",
  },
  {
    name: "nothing, but no proof is asked for",
    make: good,
    params: { proof: { ...PROOF_PARAMS, proofRequestProbability: 0 } },
    expected: refused("proof not required"),
  },
  {
    name: "nothing, and the amount alone asks for a proof",
    make: good,
    params: {
      proof: {
        ...PROOF_PARAMS,
        proofRequestProbability: 0,
        proofRequirementThreshold: upokt(500_000),
      },
    },
    expected: "accepted",
  },
  { name: "a wrong end", make: proofHeader({ sessionEndBlockHeight: END + 1n }), expected: "accepted" },
  {
    name: "a start moved inside the session",
    make: proofHeader({ sessionStartBlockHeight: START + 1n }),
    expected: "accepted",
  },
];

describe("a proof with one thing changed", () => {
  test.each(PROOFS)("$name", ({ make, height, params, arrange, expected }) => {
    const world = claimed(height, params);
    const message = make(world);
    arrange?.(world);
    const { verdict } = deliver(world.state, message);
    if (expected instanceof RegExp)
      expect(verdict).toEqual({ grpc: "FailedPrecondition", text: expect.stringMatching(expected) });
    else expect(verdict).toEqual(typeof expected === "function" ? expected(world) : expected);
  });

  test("costs the fee each time; the second in one block replaces the first", () => {
    const world = claimed();
    const first = deliver(world.state, good(world));
    const second = deliver(world.state, good(world));
    expect(first.events.map(({ type }) => type)).toEqual([
      "coin_spent",
      "coin_received",
      "transfer",
      "message",
      "pocket.proof.EventProofSubmitted",
    ]);
    expect(second.events.at(-1)?.type).toBe("pocket.proof.EventProofUpdated");
    expect(world.state.balances.get(SUPPLIER.address)).toBe(980_000n);
    expect(attribute(second.events.at(-1), "session_end_block_height")).toBe('"420"');
  });
});

type VerifyCase = {
  readonly name: string;
  readonly make: (world: Claimed) => MsgSubmitProof;
  readonly arrange?: (world: Claimed) => void;
  /** Empty for a valid proof. */
  readonly reason: string | RegExp | ((world: Claimed) => string);
};

const wrongPath = ({ header }: Claimed, got: Uint8Array, seed: bigint): string =>
  `the path of the proof provided (${toHex(got)}) does not match one expected by the onchain protocol (${toHex(proofPath(blockHash(seed), header.sessionId))}): invalid proof`;

const OTHER_PATH = new Uint8Array(32).fill(7);

/** A claim over these relays in place of the good one. */
function claimInstead(world: Claimed, relays: readonly Relay[]): Trie {
  const trie = trieOf(relays);
  storeClaim(world.state, { ...claimOf(world.header, trie), proofValidationStatus: 0 });
  return trie;
}

const proofOfClaimed =
  (parts: Omit<Parameters<typeof signedRelay>[1], "header" | "payload">) =>
  (world: Claimed): MsgSubmitProof => {
    const { state, header } = world;
    const trie = claimInstead(world, [signedRelay(state, { header, payload: "a", ...parts })]);
    return proofOf(header, trie);
  };

const VERIFIED: readonly VerifyCase[] = [
  { name: "a good proof", make: good, reason: "" },
  {
    name: "the application itself may sign",
    make: proofOfClaimed({ signer: APPLICATION }),
    reason: "",
  },
  {
    name: "a ring with a stranger",
    make: proofOfClaimed({ signer: STRANGER }),
    reason: "invalid relay request signature or bytes: invalid relay request signature",
  },
  {
    name: "a payload changed after it was signed",
    make: (world) => {
      const relay = world.relays[0] as Relay;
      const req = { ...(relay.req as NonNullable<Relay["req"]>), payload: utf8("other") };
      return proofOf(world.header, claimInstead(world, [{ ...relay, req }]));
    },
    reason: "invalid relay request signature or bytes: invalid relay request signature",
  },
  {
    name: "a response signed by somebody else",
    make: proofOfClaimed({ responder: OTHER_SUPPLIER }),
    reason: "invalid signature: invalid relay response",
  },
  {
    name: "another path",
    make: ({ header, trie }) => proofOf(header, trie, OTHER_PATH),
    reason: (world) => wrongPath(world, OTHER_PATH, 425n),
  },
  {
    name: "a wrong end in the message: another seed block",
    make: proofHeader({ sessionEndBlockHeight: END + 11n }),
    arrange: ({ state }) => state.blockHashes.set("00000000000000000445", blockHash(445n)),
    reason: (world) => wrongPath(world, proofPath(blockHash(425n), world.header.sessionId), 445n),
  },
  {
    name: "another root in the claim",
    make: good,
    arrange: (world) => void claimInstead(world, world.relays.slice(1)),
    reason: "invalid closest merkle proof: invalid proof",
  },
  {
    name: "a supplier whose key the chain does not know",
    make: good,
    arrange: ({ state }) => state.accounts.delete(SUPPLIER.address),
    reason: /public key/,
  },
  {
    name: "a gateway whose key the chain does not know",
    make: good,
    arrange: ({ state }) => state.accounts.delete(GATEWAY.address),
    reason: /: invalid relay request signature$/,
  },
  {
    name: "a gateway that the application has left for good",
    make: good,
    arrange: ({ state }) =>
      addApplication(state, APPLICATION.address, { serviceId: SERVICE_ID, stake: 1_000_000_000n }),
    reason: "invalid relay request signature or bytes: invalid relay request signature",
  },
  {
    name: "a gateway that was left in this very session",
    make: good,
    arrange: ({ state }) =>
      addApplication(state, APPLICATION.address, {
        serviceId: SERVICE_ID,
        stake: 1_000_000_000n,
        pendingUndelegations: new Map([[END, { gatewayAddresses: [GATEWAY.address] }]]),
      }),
    reason: "",
  },
];

describe("a proof that was accepted is verified at the end of its block", () => {
  test.each(VERIFIED)("$name", ({ make, arrange, reason }) => {
    const world = claimed();
    expect(deliver(world.state, make(world)).verdict).toBe("accepted");
    arrange?.(world);
    const { ctx, events } = recorder(world.state);
    endBlockProofs(world.state, ctx);
    expect(events.map(({ type }) => type)).toEqual(["pocket.proof.EventProofValidityChecked"]);
    const said = JSON.parse(attribute(events[0], "failure_reason") ?? "null") as string;
    if (reason instanceof RegExp) expect(said).toMatch(reason);
    else expect(said).toBe(typeof reason === "function" ? reason(world) : reason);
    const status = said === "" ? 1 : 2;
    expect(attribute(events[0], "claim_proof_status_int")).toBe(`${status}`);
    expect(attribute(events[0], "block_height")).toBe('"426"');
    const key = claimKey(world.header.sessionId, SUPPLIER.address);
    expect(world.state.claims.get(key)?.proofValidationStatus).toBe(status);
    expect(world.state.proofs.get(key)).toBeUndefined();
  });

  test("a proof without a claim stays and nothing is said", () => {
    const world = claimed();
    deliver(world.state, good(world));
    world.state.claims.delete(claimKey(world.header.sessionId, SUPPLIER.address));
    const { ctx, events } = recorder(world.state);
    endBlockProofs(world.state, ctx);
    expect(events).toEqual([]);
    expect(world.state.proofs.keys()).toHaveLength(1);
  });

  test("a later proof is judged anew and can undo the status", () => {
    const world = claimed();
    const key = claimKey(world.header.sessionId, SUPPLIER.address);
    const statuses = [good(world), proofOf(world.header, world.trie, OTHER_PATH), good(world)].map(
      (message) => {
        const { events } = deliver(world.state, message);
        expect(events.at(-1)?.type).toBe("pocket.proof.EventProofSubmitted");
        expect(attribute(events.at(-1), "claim_proof_status_int")).toBe("0");
        endBlockProofs(world.state, recorder(world.state).ctx);
        return world.state.claims.get(key)?.proofValidationStatus;
      },
    );
    expect(statuses).toEqual([1, 2, 1]);
  });
});

test("from claim to money: proven relays are paid for", () => {
  const world = claimed();
  deliver(world.state, good(world));
  endBlockProofs(world.state, recorder(world.state).ctx);
  const settling = fork(world.state, { height: 430n });
  settling.balances.set("pokt1rl3gjgzexmplmds3tq3r3yk84zlwdl6djzgsvm", 1_000_000_000n);
  const { ctx, events } = recorder(settling);
  endBlockTokenomics(settling, ctx);
  const settled = events.find(({ type }) => type === "pocket.tokenomics.EventClaimSettled");
  expect(attribute(settled, "settled_upokt")).toBe('"500000upokt"');
  expect(attribute(settled, "minted_upokt")).toBe('"487500upokt"');
  // 1 000 000, less the fee, and 341 250 + 35 000 for the relays
  expect(settling.balances.get(SUPPLIER.address)).toBe(1_366_250n);
  expect(settling.applications.get(APPLICATION.address)?.stake).toEqual(upokt(999_450_000));
  expect(settling.claims.keys()).toEqual([]);
  expect(settling.difficulties.get(SERVICE_ID)?.targetHash).toEqual(BASE_TARGET);
});
