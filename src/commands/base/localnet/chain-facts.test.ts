import { expect, test } from "vitest";
import { ChainFacts, isProofRequired, type SessionKey } from "./chain-facts.ts";

const key: SessionKey = { supplier: "pokt1sup", application: "pokt1app", service: "eth", sessionEnd: 20n };
const logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

const event = (type: string, fields: Readonly<Record<string, string>>) => ({
  type,
  attributes: Object.entries({
    supplier_operator_address: '"pokt1sup"',
    application_address: '"pokt1app"',
    service_id: '"eth"',
    session_end_block_height: '"20"',
    ...fields,
  }).map(([name, value]) => ({ key: name, value })),
});

const CLAIMED = event("pocket.proof.EventClaimCreated", {
  num_relays: '"56"',
  claimed_upokt: '"235200upokt"',
});
const SUBMITTED = event("pocket.proof.EventProofSubmitted", {});
const CHECKED = event("pocket.proof.EventProofValidityChecked", {
  claim_proof_status_int: "1",
  failure_reason: '""',
});
const SETTLED = event("pocket.tokenomics.EventClaimSettled", {
  num_relays: '"56"',
  settled_upokt: '"235200upokt"',
  proof_requirement_int: "0",
});

const factsOf = (...events: readonly ReturnType<typeof event>[]) => {
  const facts = new ChainFacts({ blockResults: () => Promise.reject(new Error("not asked")) }, logger);
  facts.take(events, 33n);
  return facts.of(key);
};

test("a claim's way is read from the chain's events", () => {
  expect(factsOf(CLAIMED, SUBMITTED, CHECKED, SETTLED)).toEqual({
    claimedAt: 33n,
    claimedRelays: 56n,
    claimedUpokt: 235_200n,
    proofSubmitted: true,
    proofVerified: true,
    proofFailure: undefined,
    settled: { height: 33n, relays: 56n, upokt: 235_200n },
    unpaid: undefined,
  });
});

test("a proof was required if the chain took one, or missed one", () => {
  expect(isProofRequired(factsOf(CLAIMED, SETTLED))).toBe(false);
  expect(isProofRequired(factsOf(CLAIMED, SUBMITTED, CHECKED, SETTLED))).toBe(true);
  const expired = event("pocket.tokenomics.EventClaimExpired", { expiration_reason: '"PROOF_MISSING"' });
  expect(isProofRequired(factsOf(CLAIMED, expired))).toBe(true);
  expect(factsOf(CLAIMED, expired)).toMatchObject({ unpaid: "expired: PROOF_MISSING", settled: undefined });
  const discarded = event("pocket.tokenomics.EventClaimDiscarded", { error: '"broken"' });
  expect(isProofRequired(factsOf(CLAIMED, discarded))).toBe(false);
});

test("a wrong proof keeps its reason, another session's events do not count", () => {
  const wrong = event("pocket.proof.EventProofValidityChecked", {
    claim_proof_status_int: "2",
    failure_reason: '"bad path"',
  });
  expect(factsOf(CLAIMED, wrong)).toMatchObject({ proofVerified: false, proofFailure: "bad path" });
  expect(
    factsOf(event("pocket.proof.EventClaimCreated", { session_end_block_height: '"30"' })),
  ).toMatchObject({
    claimedAt: undefined,
  });
});

test("blocks are read in order and only transactions that succeeded count", async () => {
  const tx = { hash: "", height: 1n, index: 0, codespace: "", log: "", gasUsed: 0n, gasWanted: 0n };
  const facts = new ChainFacts(
    {
      blockResults: async (height) => ({
        height,
        txs: [{ ...tx, code: height === 1n ? 5 : 0, events: height < 3n ? [CLAIMED] : [] }],
        events: [],
      }),
    },
    logger,
  );
  const block = (height: bigint) => ({ height, hash: new Uint8Array(32), timeMs: 0 });
  facts.onBlock(block(1n));
  await expect.poll(() => facts.height, { timeout: 4_000 }).toBe(1n);
  expect(facts.of(key).claimedAt).toBeUndefined();
  facts.onBlock(block(2n));
  facts.onBlock(block(3n));
  await expect.poll(() => facts.height, { timeout: 4_000 }).toBe(3n);
  expect(facts.of(key).claimedAt).toBe(2n);
});
