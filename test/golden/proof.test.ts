import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { concatBytes, fromHex, toHex, utf8 } from "../../src/base/bytes.ts";
import { Any } from "../../src/chain/proto/cosmos.ts";
import { Claim, MsgCreateClaim, MsgSubmitProof, ProofParams } from "../../src/chain/proto/proof.ts";
import { SessionHeader } from "../../src/chain/proto/session.ts";
import { claimHash, claimProblem, proofProblem, rootTotals } from "../../src/chain/protocol/claim.ts";
import { GoRand, hashedSeed, readVarint, seededFloat64 } from "../../src/chain/protocol/go-rand.ts";
import { GO_RAND_TABLE } from "../../src/chain/protocol/go-rand-table.ts";
import { claimedUpokt, estimatedComputeUnits, estimatedRelays } from "../../src/chain/protocol/pricing.ts";
import { proofPath } from "../../src/chain/protocol/proof-path.ts";
import { claimSample, proofRequirement } from "../../src/chain/protocol/proof-requirement.ts";
import { toAny } from "../../src/chain/protocol/tx/message.ts";
import { decodeClosestProof, encodeClosestProof } from "../../src/smst/gob.ts";
import { Trie } from "../../src/smst/trie.ts";
import { verifyClosestProof } from "../../src/smst/verify.ts";
import { Vectors } from "../kit/vectors.ts";

const vectors = new Vectors("proof");

const bitsOf = (value: number): string => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.toString("hex");
};
const doubleOf = ({ bits }: { bits: string }): number => Buffer.from(bits, "hex").readDoubleBE();
const uint64Hex = (value: bigint): string => value.toString(16).padStart(16, "0");

type Parties = { supplier_operator_address: string; session_header: { bytes: string } | null };
const partiesOf = ({ supplier_operator_address, session_header }: Parties) => ({
  supplierOperatorAddress: supplier_operator_address,
  sessionHeader: session_header === null ? undefined : SessionHeader.decode(fromHex(session_header.bytes)),
});

vectors.kind("proof_path", (vector) => {
  expect(toHex(proofPath(fromHex(vector["block_hash"]), vector["session_id"]))).toBe(vector["path"]);
});

vectors.kind("go_math_rand", (vector) => {
  const seeded = () => new GoRand(BigInt(vector["seed"]));
  const integers = seeded();
  for (const expected of vector["uint64"]) expect(uint64Hex(integers.uint64())).toBe(expected);
  const floats = seeded();
  for (const expected of vector["float64"]) expect(bitsOf(floats.float64())).toBe(expected.bits);
  expect(seeded().int63().toString()).toBe(vector["int63"]);
});

vectors.kind("go_math_rand_run", (vector) => {
  const rand = new GoRand(BigInt(vector["seed"]));
  const run = Array.from({ length: vector["count"] }, () => uint64Hex(rand.uint64()));
  expect(run.at(-1)).toBe(vector["last"]);
  expect(createHash("sha256").update(run.join(""), "hex").digest("hex")).toBe(
    vector["sha256_of_big_endian_uint64s"],
  );
});

vectors.kind("seeded_float", (vector) => {
  const input = fromHex(vector["input"]);
  expect(bitsOf(seededFloat64(input))).toBe(vector["float"].bits);
  expect(bitsOf(seededFloat64(input.subarray(0, 3), input.subarray(3)))).toBe(vector["float"].bits);
  if (vector["seed"] === undefined) return;
  const { value, bytesRead } = readVarint(createHash("sha256").update(input).digest());
  expect(bytesRead).toBe(vector["varint_result"]);
  expect(value.toString()).toBe(vector["seed"]);
  expect(hashedSeed(input)).toBe(value);
});

/** Runs a check against a field that may hold {error} or {panic} in place of a value: ours is an error in both cases. */
function expectValue(expected: unknown, actual: () => unknown): void {
  if (typeof expected === "object") expect(actual).toThrow(expect.objectContaining({ name: "AppError" }));
  else expect(String(actual())).toBe(String(expected));
}

vectors.kind("claim", (vector) => {
  const claim = Claim.create({
    ...partiesOf(vector["claim"]),
    rootHash: fromHex(vector["claim"].root_hash),
  });
  expect(toHex(Claim.encode(claim))).toBe(vector["bytes"]);
  expect(toHex(claimHash(claim))).toBe(vector["hash"]);

  const { sum: computeUnits, count: relays } = rootTotals(claim.rootHash);
  expect(computeUnits.toString()).toBe(vector["num_claimed_compute_units"]);
  expect(relays.toString()).toBe(vector["num_relays"]);
  const target = fromHex(vector["relay_mining_difficulty_target_hash"]);
  const work = { computeUnits, relays, target };
  expectValue(vector["num_estimated_compute_units"], () => estimatedComputeUnits(work));
  expectValue(vector["num_estimated_relays"], () => estimatedRelays(work));
  const params = {
    computeUnitsToTokensMultiplier: BigInt(vector["compute_units_to_tokens_multiplier"]),
    computeUnitCostGranularity: BigInt(vector["compute_unit_cost_granularity"]),
  };
  const amount = () => claimedUpokt({ ...work, params });
  expectValue(vector["claimed_upokt"], amount);

  const seedHash = fromHex(vector["proof_requirement_seed_block_hash"]);
  expect(bitsOf(claimSample(claim, seedHash))).toBe(vector["sample"].bits);
  const decide = () =>
    proofRequirement({
      claim,
      params: proofParams(doubleOf(vector["proof_request_probability"]), vector),
      seedHash,
      claimedUpokt: amount(),
    });
  expectValue(vector["required"], () => decide().required);
  if (vector["reason"] === undefined) return;
  expect(REASONS[decide().reason]).toBe(vector["reason"]);
  expect(bitsOf(decide().sample)).toBe(vector["sample"].bits);
});

const REASONS = ["not required", "probabilistic", "threshold"] as const;

const proofParams = (proofRequestProbability: number, vector: Record<string, unknown>) =>
  ProofParams.create({
    proofRequestProbability,
    proofRequirementThreshold: {
      denom: "upokt",
      amount: String(vector["proof_requirement_threshold_upokt"] ?? 1n << 63n),
    },
  });

vectors.kind("sample_boundary", (vector) => {
  const claim = Claim.decode(fromHex(vector["claim_bytes"]));
  const seedHash = fromHex(vector["seed_block_hash"]);
  expect(bitsOf(claimSample(claim, seedHash))).toBe(vector["sample"].bits);
  const requiredAt = (probability: number) =>
    proofRequirement({ claim, params: proofParams(probability, {}), seedHash, claimedUpokt: 0n }).required;
  expect(requiredAt(doubleOf(vector["probability_that_requires"]))).toBe(true);
  expect(requiredAt(doubleOf(vector["probability_that_does_not"]))).toBe(false);
});

vectors.kind("claim_status", (vector) => {
  const claim = Claim.decode(fromHex(vector["bytes"]));
  expect(claim.proofValidationStatus).toBe(vector["proof_validation_status"]);
  expect(toHex(Claim.encode(claim))).toBe(vector["bytes"]);
  expect(toHex(claimHash(claim))).toBe(vector["hash"]);
});

function checkAny(any: Any, expected: { bytes: string; type_url: string }): void {
  expect(any.typeUrl).toBe(expected.type_url);
  expect(toHex(Any.encode(any))).toBe(expected.bytes);
}

vectors.kind("msg_create_claim", (vector) => {
  const message = { ...partiesOf(vector as never), rootHash: fromHex(vector["root_hash"]) };
  expect(toHex(MsgCreateClaim.encode(message))).toBe(vector["bytes"]);
  checkAny(toAny(MsgCreateClaim, message), vector["any"]);
  expect(claimProblem(MsgCreateClaim.decode(fromHex(vector["bytes"])))).toBeUndefined();
});

vectors.kind("msg_submit_proof", (vector) => {
  const message = { ...partiesOf(vector as never), proof: fromHex(vector["proof"]) };
  expect(toHex(MsgSubmitProof.encode(message))).toBe(vector["bytes"]);
  checkAny(toAny(MsgSubmitProof, message), vector["any"]);
  expect(proofProblem(MsgSubmitProof.decode(fromHex(vector["bytes"])))).toBeUndefined();
});

/** The error class ends the reference's text; roots and addresses have the whole text, headers only the class (chain 7.1). */
vectors.kind("msg_create_claim_invalid", (vector) => {
  const problem = claimProblem({ ...partiesOf(vector as never), rootHash: fromHex(vector["root_hash"]) });
  const expected: string | null = vector["validate_basic"];
  if (expected === null) {
    expect(problem).toBeUndefined();
    return;
  }
  const errorClass = expected.slice(expected.lastIndexOf(": ") + 2);
  expect(problem?.text.endsWith(`: ${errorClass}`)).toBe(true);
  expect(problem?.code).toBe(CODES[errorClass]);
  if (problem?.code !== CODES["invalid session header"]) expect(problem?.text).toBe(expected);
});

const CODES: Readonly<Record<string, number>> = {
  "invalid address": 1101,
  "invalid root hash": 1104,
  "invalid session header": 1115,
};

vectors.kind("end_to_end", (vector) => {
  type Leaf = { relay_bytes: string; relay_hash: string };
  const trie = new Trie({ get: () => undefined });
  trie.updateMany(
    vector["leaves"].map(({ relay_bytes, relay_hash }: Leaf) => {
      expect(createHash("sha256").update(relay_bytes, "hex").digest("hex")).toBe(relay_hash);
      return { key: fromHex(relay_hash), value: fromHex(relay_bytes), weight: BigInt(vector["weight"]) };
    }),
  );
  const root = trie.root();
  expect(toHex(root)).toBe(vector["root"].bytes);
  expect(rootTotals(root)).toEqual({
    sum: BigInt(vector["root"].sum),
    count: BigInt(vector["root"].count),
  });

  const parties = partiesOf(vector as never);
  const path = proofPath(fromHex(vector["seed_block_hash"]), parties.sessionHeader?.sessionId ?? "");
  expect(toHex(path)).toBe(vector["path"]);
  const proof = encodeClosestProof(trie.proveClosest(path));
  expect(toHex(proof)).toBe(vector["proof"]);
  expect(verifyClosestProof(decodeClosestProof(proof), root)).toBe(vector["proof_verifies"]);
  expect(toHex(proof)).toContain(vector["proved_relay_bytes"]);

  const claim = { ...parties, rootHash: root };
  expect(claimProblem(claim)).toBeUndefined();
  expect(toHex(MsgCreateClaim.encode(claim))).toBe(vector["msg_create_claim"]);
  expect(proofProblem({ ...parties, proof })).toBeUndefined();
  expect(toHex(MsgSubmitProof.encode({ ...parties, proof }))).toBe(vector["msg_submit_proof"]);
});

vectors.done();

/** Values of mining-path A.5 that the vectors do not hold. */
describe("sampling by hand", () => {
  test("the generator's table is the reference's", () => {
    expect(GO_RAND_TABLE.map(uint64Hex)).toEqual(vectors.file["go_math_rand_table"]);
  });

  test.each([
    ["", -69_766_194n, 0.25352049889175265],
    ["pocket", 49n, 0.34600930630578897],
    ["o1709", 0n, 0.9451961492941164],
    ["a".repeat(64), -694_336n, 0.1196771207319314],
  ])("%j", (text, seed, float) => {
    expect(hashedSeed(utf8(text))).toBe(seed);
    expect(seededFloat64(utf8(text))).toBe(float);
  });

  test("parts are joined", () => {
    const parts = [utf8("pocket"), fromHex("00ff")];
    expect(seededFloat64(...parts)).toBe(seededFloat64(concatBytes(...parts)));
  });
});
