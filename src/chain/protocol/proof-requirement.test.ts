import { describe, expect, test } from "vitest";
import { fromHex } from "../../base/bytes.ts";
import { Claim, ProofParams } from "../proto/proof.ts";
import { claimSample, PROOF_REASON, proofRequirement, proofThreshold } from "./proof-requirement.ts";

// claim and sample of mining-path A.5
const claim = Claim.decode(
  fromHex(
    "0a2b706f6b743138347a76796c617a777534717565797a706c3067797a3979663579786d326b6468683968706d12410a2b706f6b74316d7271743566" +
      "377168387578733237636a6d397437763965373461397676646e71356a76613412036574681a0973657373696f6e2d312065286e1a30905d8d2062cb" +
      "df8238f23872004bf254122458ab2c4e86a7044548beb33a80d900000000000001f40000000000000005",
  ),
);
const seedHash = fromHex(`aa${"00".repeat(30)}01`);
const SAMPLE = 0.8288821477864997;

const params = (probability: number, threshold = "100") =>
  ProofParams.create({
    proofRequestProbability: probability,
    proofRequirementThreshold: { denom: "upokt", amount: threshold },
  });

describe("whether a claim needs a proof", () => {
  test("its sample is drawn from the claim and the seed block; the status is part of it", () => {
    expect(claimSample(claim, seedHash)).toBe(SAMPLE);
    expect(claimSample({ ...claim, proofValidationStatus: 1 }, seedHash)).toBe(0.5121822542400299);
  });

  test.each([
    ["at the threshold", 100n, 0, { required: true, reason: PROOF_REASON.threshold }],
    ["below it, drawn", 99n, SAMPLE, { required: true, reason: PROOF_REASON.probabilistic }],
    ["below it, not drawn", 99n, 0.8288821477864996, { required: false, reason: PROOF_REASON.notRequired }],
  ])("%s", (_, claimedUpokt, probability, expected) => {
    const decision = proofRequirement({ claim, params: params(probability), seedHash, claimedUpokt });
    expect(decision).toEqual({ ...expected, sample: SAMPLE });
  });

  test("params without a threshold decide nothing", () => {
    const invalid = expect.objectContaining({ code: "PARAMS_INVALID" });
    expect(() => proofThreshold(ProofParams.create())).toThrow(invalid);
    expect(() => proofThreshold(params(0.5, "1.5"))).toThrow(invalid);
  });
});
