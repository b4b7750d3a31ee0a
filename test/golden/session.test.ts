import { expect } from "vitest";
import { fromHex, toHex } from "../../src/base/bytes.ts";
import { SharedParams } from "../../src/chain/proto/shared.ts";
import { heightsPlausible, relayArrival } from "../../src/chain/protocol/arrival.ts";
import { paramsAt } from "../../src/chain/protocol/params-history.ts";
import {
  blocksToProofClose,
  pendingSessions,
  proofSeedHeight,
  sessionAt,
  sessionWindows,
} from "../../src/chain/protocol/session-grid.ts";
import {
  selectSuppliers,
  sessionId,
  sessionPreimage,
  supplierWeight,
} from "../../src/chain/protocol/session-id.ts";
import { submissionWindow } from "../../src/chain/protocol/submission-window.ts";
import { type VectorCase, Vectors } from "../kit/vectors.ts";

const vectors = new Vectors("session");

const paramsOf = (vector: { bytes: string }) => SharedParams.decode(fromHex(vector.bytes));

/** Every height that the vectors name, under their names. */
function heightsUnder(params: SharedParams, height: bigint): Record<string, string | boolean> {
  const session = sessionAt(params, height);
  const windows = sessionWindows(params, height);
  const numbers = {
    session_number: session.number,
    session_start_height: session.start,
    session_end_height: session.end,
    next_session_start_height: session.end + 1n,
    grace_period_end_height: windows.graceEnd,
    claim_window_open_height: windows.claimOpen,
    claim_window_close_height: windows.claimClose,
    proof_window_open_height: windows.proofOpen,
    proof_window_close_height: windows.proofClose,
    settlement_height: windows.settle,
    session_end_to_proof_window_close_blocks: blocksToProofClose(params),
    num_pending_sessions: pendingSessions(params),
    earliest_supplier_claim_commit_height: windows.claimOpen,
    earliest_supplier_proof_commit_height: windows.proofOpen,
    proof_seed_block_height: proofSeedHeight(params, height),
  };
  return {
    ...Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, value.toString()])),
    is_session_start: height === session.start,
    is_session_end: height === session.end,
  };
}

function checkHeights(params: SharedParams, height: bigint, expected: Record<string, unknown>): void {
  expect(heightsUnder(params, height)).toMatchObject(expected);
}

vectors.kind("heights", (vector) => {
  checkHeights(paramsOf(vector["params"]), BigInt(vector["height"]), vector["expect"]);
});

vectors.kind("history", (vector) => {
  type Entry = { effective_height: string; params: { bytes: string } };
  const history = ((vector["history"] ?? []) as Entry[]).map((entry) => ({
    effectiveHeight: BigInt(entry.effective_height),
    params: paramsOf(entry.params),
  }));
  const live = paramsOf(vector["live_params"]);
  for (const lookup of vector["lookups"]) {
    const height = BigInt(lookup.height);
    const params = paramsAt(history, live, height);
    expect(toHex(SharedParams.encode(params))).toBe(lookup.params_bytes);
    checkHeights(params, height, lookup.expect);
  }
});

const seedOf = (vector: VectorCase, blockHash: string) => ({
  blockHash: fromHex(blockHash),
  serviceId: vector["service_id"],
  applicationAddress: vector["application_address"],
  startHeight: BigInt(vector["session_start_height"]),
});

vectors.kind("session_id", (vector) => {
  const seed = seedOf(vector, vector["block_hash"]);
  expect(sessionAt(paramsOf(vector["params"]), BigInt(vector["height"])).start).toBe(seed.startHeight);
  expect(toHex(sessionPreimage(seed))).toBe(vector["preimage"]);
  expect(sessionId(seed)).toBe(vector["session_id"]);
  const suppliers: { supplier_operator_address: string; weight: string }[] = vector["suppliers"] ?? [];
  for (const { supplier_operator_address: address, weight } of suppliers)
    expect(supplierWeight(sessionPreimage(seed), address).toString()).toBe(weight);
  const candidates = suppliers.map(({ supplier_operator_address: address }) => address);
  expect(selectSuppliers(seed, candidates, BigInt(candidates.length))).toEqual(
    vector["suppliers_in_order"] ?? [],
  );
});

vectors.kind("chain_session", (vector) => {
  const seed = seedOf(vector, vector["hash_of_start_block"]);
  const params = SharedParams.create({ numBlocksPerSession: BigInt(vector["num_blocks_per_session"]) });
  expect(sessionAt(params, BigInt(vector["query_height"]))).toEqual({
    number: BigInt(vector["session_number"]),
    start: BigInt(vector["session_start_height"]),
    end: BigInt(vector["session_end_height"]),
  });
  expect(sessionId(seed)).toBe(vector["session_id"]);
  const handedOut: string[] = vector["supplier_operator_addresses"];
  expect(selectSuppliers(seed, handedOut.toReversed(), BigInt(handedOut.length))).toEqual(handedOut);
});

vectors.kind("submission_window", (vector) => {
  const params = paramsOf(vector["params"]);
  for (const phase of ["claim", "proof"] as const) {
    const { open, close } = submissionWindow(phase, params, BigInt(vector["session_end_height"]));
    expect(open.toString()).toBe(vector[phase].window_open);
    expect(close.toString()).toBe(vector[phase].window_close);
  }
});

const spanOf = (vector: VectorCase) => ({
  start: BigInt(vector["session_start_height"]),
  end: BigInt(vector["session_end_height"]),
});

vectors.kind("relay_arrival", (vector) => {
  const arrival = relayArrival(spanOf(vector), BigInt(vector["current_height"]), paramsOf(vector["params"]));
  expect(arrival.served).toBe(vector["served"]);
  expect(arrival.lookupHeight.toString()).toBe(vector["session_looked_up_at_height"]);
  expect(arrival.late).toBe(!vector["reward_check_passes"]);
});

vectors.kind("heights_plausible", (vector) => {
  expect(heightsPlausible(spanOf(vector), BigInt(vector["current_height"]))).toBe(vector["plausible"]);
});

vectors.done();
