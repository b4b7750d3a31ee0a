import { expect, test } from "vitest";
import {
  addApplication,
  addService,
  addSupplier,
  DAO,
  MODULE_PARAMS,
  recorder,
  SERVICE_OWNER,
  SHARED_PARAMS,
  stateAt,
  upokt,
} from "../../../test/kit/money-state.ts";
import { bigToBytes, concatBytes } from "../../base/bytes.ts";
import type { Claim } from "../../chain/proto/proof.ts";
import { moduleAddress } from "../../chain/protocol/address.ts";
import type { ChainEvent } from "../context.ts";
import { serviceConfigKey, storeClaim } from "../keys.ts";
import { type ForkedState, fork, type ModuleParams, StateStore } from "../state.ts";
import { sortable } from "../table.ts";
import { endBlockTokenomics } from "./main.ts";

const APP = "app";
const SERVICE = "svc";
/** Of the session that ends at 20: claims 22 to 26, proofs 26 to 30, settlement in 30. */
const SETTLE = 30n;

const NO_PROOFS: ModuleParams["proof"] = { ...MODULE_PARAMS.proof, proofRequestProbability: 0 };

/** An application, a service, suppliers "a" and "b", the money they stand on. */
function sceneAt(height = SETTLE, params: Partial<ModuleParams> = {}): ForkedState {
  const state = stateAt(new StateStore("pocket"), height, { proof: NO_PROOFS, ...params });
  addService(state, SERVICE);
  addApplication(state, APP, { serviceId: SERVICE, stake: 1_000_000_000n });
  for (const supplier of ["a", "b"]) addSupplier(state, SERVICE, supplier);
  state.balances.set(moduleAddress("application"), 1_000_000_000n);
  state.balances.set(moduleAddress("supplier"), 6_000_000n);
  for (let past = 1n; past <= 60n; past++) state.blockHashes.set(sortable(past), new Uint8Array(32));
  return state;
}

type ClaimParts = Partial<{ relays: bigint; status: number; start: bigint; end: bigint; id: string }>;

function claim(state: ForkedState, supplier: string, parts: ClaimParts = {}): Claim {
  const { relays = 5n, status = 0, start = 11n, end = 20n, id = "s" } = parts;
  const made: Claim = {
    supplierOperatorAddress: supplier,
    sessionHeader: {
      applicationAddress: APP,
      serviceId: SERVICE,
      sessionId: id,
      sessionStartBlockHeight: start,
      sessionEndBlockHeight: end,
    },
    rootHash: concatBytes(new Uint8Array(32), bigToBytes(relays * 1000n, 8), bigToBytes(relays, 8)),
    proofValidationStatus: status,
  };
  storeClaim(state, made);
  return made;
}

function settle(state: ForkedState): ChainEvent[] {
  const { ctx, events } = recorder(state);
  endBlockTokenomics(state, ctx);
  return events;
}

const outcomes = (events: readonly ChainEvent[]): string[] =>
  events.flatMap(({ type }) => /\.Event(Claim\w+|SupplierSlashed)$/.exec(type)?.[1] ?? []);

const value = (event: ChainEvent | undefined, key: string): unknown =>
  JSON.parse(event?.attributes.find((candidate) => candidate.key === key)?.value ?? "null");

const find = (events: readonly ChainEvent[], name: string): ChainEvent | undefined =>
  events.find(({ type }) => type.endsWith(name));

/** All upokt there is, in accounts and modules. */
const supply = (state: ForkedState): bigint =>
  state.balances.values().reduce((sum, balance) => sum + balance, 0n);

test("nothing to settle is nothing said", () => {
  const state = sceneAt();
  claim(state, "a", { end: 30n, start: 21n });
  expect(settle(state)).toEqual([]);
  expect(state.claims.keys()).toHaveLength(1);
});

test("money is kept: what is minted and burned is all that changes the supply", () => {
  const state = sceneAt();
  claim(state, "a");
  claim(state, "b", { relays: 33n });
  const before = supply(state);
  const events = settle(state);
  const settled = 500_000n + 3_300_000n;
  const minted = 487_500n + 3_217_500n + 50_000n + 330_000n;
  expect(supply(state)).toBe(before - settled + minted);
  expect(outcomes(events)).toEqual(["ClaimSettled", "ClaimSettled"]);
  expect(state.balances.get(SERVICE_OWNER)).toBe(73_125n + 482_625n + 7500n + 49_500n);
  // the application's stake pays for the claims and for their inflation
  expect(state.applications.get(APP)?.stake).toEqual(upokt(1_000_000_000n - 3_800_000n - 380_000n));
  expect(state.balances.get(moduleAddress("application"))).toBe(1_000_000_000n - 3_800_000n - 380_000n);
  expect(state.balances.get(DAO) ?? 0n).toBeGreaterThan(380_000n);
});

test.each([
  ["supplier", (state: ForkedState) => state.suppliers.delete("a")],
  ["application", (state: ForkedState) => state.applications.delete(APP)],
  ["service", (state: ForkedState) => state.services.delete(SERVICE)],
  ["price", (state: ForkedState) => addService(state, SERVICE, 0n)],
  ["seed block", (state: ForkedState) => state.blockHashes.delete(sortable(25n))],
])("a claim without its %s is discarded: no pay, no slash", (_, remove) => {
  const state = sceneAt(SETTLE, { proof: MODULE_PARAMS.proof });
  claim(state, "a");
  remove(state);
  const before = supply(state);
  const events = settle(state);
  expect(outcomes(events)).toEqual(["ClaimDiscarded"]);
  expect(value(events[0], "error")).toMatch(
    /^\[UNEXPECTED ERROR\] Critical error during claim settlement during session "s" for operator a and service svc\. Claim will be discarded to prevent chain halt: ./,
  );
  expect(supply(state)).toBe(before);
  expect(state.claims.keys()).toEqual([]);
});

test("a supplier that serves the service no more is not paid, and the application's stake shrinks all the same", () => {
  const state = sceneAt();
  claim(state, "a");
  const [entry] = state.serviceConfigs.values().filter(({ operatorAddress }) => operatorAddress === "a");
  if (entry === undefined) throw new TypeError("no entry");
  state.serviceConfigs.set(serviceConfigKey(entry), { ...entry, deactivationHeight: SETTLE });
  const events = settle(state);
  expect(outcomes(events)).toEqual(["ClaimDiscarded"]);
  expect(state.applications.get(APP)?.stake).toEqual(upokt(999_500_000n));
  expect(state.balances.get(moduleAddress("application"))).toBe(1_000_000_000n);
});

test("shares that make no sense go to the owner", () => {
  const state = sceneAt();
  addSupplier(state, SERVICE, "a", { revShare: [{ address: "x", revSharePercentage: 99n }] });
  claim(state, "a");
  const events = settle(state);
  expect(
    events.filter(({ type }) => type.endsWith("EventSupplierRevShareFallbackDistribution")),
  ).toHaveLength(2);
  const told = find(events, "EventSupplierRevShareFallbackDistribution");
  expect(value(told, "observed_sum_percentage")).toBe("99");
  expect(value(told, "amount")).toBe("341250upokt");
  expect(state.balances.get("a")).toBe(376_250n);
});

test("an expired claim costs its supplier once each, down to 0, and the mark is set once", () => {
  const state = sceneAt(SETTLE, { proof: { ...MODULE_PARAMS.proof, proofMissingPenalty: upokt(2_100_000) } });
  claim(state, "a");
  claim(state, "a", { id: "t", status: 2 });
  claim(state, "b", { status: 1 });
  const events = settle(state);
  expect(outcomes(events)).toEqual([
    "ClaimExpired",
    "ClaimSettled",
    "ClaimExpired",
    "SupplierSlashed",
    "SupplierSlashed",
  ]);
  const expired = events.filter(({ type }) => type.endsWith("EventClaimExpired"));
  expect(expired.map((event) => value(event, "expiration_reason"))).toEqual([
    "PROOF_MISSING",
    "PROOF_INVALID",
  ]);
  const slashed = events.filter(({ type }) => type.endsWith("EventSupplierSlashed"));
  expect(slashed.map((event) => value(event, "proof_missing_penalty"))).toEqual([
    "2100000upokt",
    "900000upokt",
  ]);
  expect(events.filter(({ type }) => type.endsWith("EventSupplierUnbondingBegin"))).toHaveLength(1);
  expect(state.suppliers.get("a")).toMatchObject({ stake: upokt(0), unstakeSessionEndHeight: 30n });
  expect(state.unstakingSuppliers.keys()).toEqual([]);
  expect(state.balances.get(moduleAddress("supplier"))).toBe(3_000_000n);
});

test("a validated claim settles whatever the requirement, an invalid one if no proof is asked for", () => {
  const state = sceneAt();
  claim(state, "a", { status: 2 });
  claim(state, "b", { status: 1 });
  const events = settle(state);
  expect(outcomes(events)).toEqual(["ClaimSettled", "ClaimSettled"]);
  expect(
    events.flatMap((event) =>
      event.type.endsWith("EventClaimSettled") ? [value(event, "proof_requirement_int")] : [],
    ),
  ).toEqual([0, 0]);
});

test("a claim with an end of its own settles by that end, and leaves nothing at the other", () => {
  const state = sceneAt(29n);
  claim(state, "a");
  claim(state, "a", { end: 19n });
  expect(outcomes(settle(state))).toEqual(["ClaimSettled"]);
  const next = fork(state, { height: SETTLE });
  expect(settle(next)).toEqual([]);
});

test.each([
  ["shorter", 1n],
  ["longer", 9n],
])("%s windows since the session ended change nothing: its own count", (_, proofWindowCloseOffsetBlocks) => {
  const live = { ...SHARED_PARAMS, proofWindowCloseOffsetBlocks };
  let state = sceneAt(21n, { shared: live });
  state.sharedHistory.set(sortable(1n), { effectiveHeight: 1n, params: SHARED_PARAMS });
  state.sharedHistory.set(sortable(21n), { effectiveHeight: 21n, params: live });
  claim(state, "a");
  const settledAt: bigint[] = [];
  for (let height = 22n; height <= 40n; height++) {
    state = fork(state, { height });
    if (outcomes(settle(state)).length > 0) settledAt.push(height);
  }
  expect(settledAt).toEqual([30n]);
});

test("each session's budget comes from the stake before the block", () => {
  const state = sceneAt(SETTLE, {
    proof: { ...NO_PROOFS, proofRequirementThreshold: upokt(1_000_000_000) },
  });
  addApplication(state, APP, { serviceId: SERVICE, stake: 110_000_000n });
  claim(state, "a", { relays: 900n, id: "s" });
  claim(state, "b", { relays: 900n, id: "t" });
  const events = settle(state);
  // both may take 110 000 000 for 90 000 000 claimed; the second finds 11 000 000 left
  expect(outcomes(events)).toEqual(["ClaimSettled", "ClaimDiscarded"]);
  expect(find(events, "EventApplicationOverserviced")).toBeUndefined();
  expect(find(events, "EventApplicationUnbondingBegin")).toBeDefined();
});

test("a block that cannot pay fails", () => {
  const state = sceneAt();
  claim(state, "a");
  state.balances.set(moduleAddress("application"), 1n);
  expect(() => settle(state)).toThrow("insufficient funds");
});
