import { expect, test } from "vitest";
// @ts-expect-error: a script, plain JavaScript
import * as script from "../../scripts/kernel-cases.mjs";
import { publicKeyOf } from "../../src/chain/protocol/ecdsa.ts";
import { challenge } from "../../src/chain/protocol/ring/challenge.ts";
import { INFINITY } from "../../src/chain/protocol/ring/curve.ts";
import { nobleCurve } from "../../src/chain/protocol/ring/curve-noble.ts";
import { ringVerifiers } from "../../src/chain/protocol/ring/curve-verifier.ts";
import { fastestCurve } from "../../src/chain/protocol/ring/fastest-curve.ts";
import { openKernel } from "../../src/chain/protocol/ring/kernel/kernel.ts";
import type { KernelVerifiers } from "../../src/chain/protocol/ring/kernel/verifier.ts";
import { prepareRing } from "../../src/chain/protocol/ring/prepare.ts";
import { signRing } from "../../src/chain/protocol/ring/sign.ts";
import type { RingVerifiers } from "../../src/chain/protocol/ring/verifier.ts";
import { ORDER, scalarBytes } from "../../src/chain/protocol/scalar.ts";

type Comparison = {
  cases: object;
  kernel: KernelVerifiers;
  slow: RingVerifiers;
  seed: string;
  from: number;
  to: number;
  more?: () => boolean;
};
const { kernelCases, compareCases } = script as {
  kernelCases(parts: object, seed: string): object;
  compareCases(comparison: Comparison): { next: number; good: number };
};

const parts = {
  ORDER,
  scalarBytes,
  publicKeyOf,
  prepareRing,
  signRing,
  curve: fastestCurve,
  INFINITY,
  challenge,
};

function kernelOf(megabytes: number): KernelVerifiers {
  const { verifiers, refusal } = openKernel({ megabytes });
  if (verifiers === undefined) throw new Error(refusal);
  return verifiers;
}

// Each day other cases: a run says its seed when it fails. `npm run fuzz:kernel` does a million.
const today = `day ${Math.floor(Date.now() / 86_400_000)}`;

test.each([
  { oracle: "the fastest curve", slow: ringVerifiers(fastestCurve), megabytes: 256, seconds: 8 },
  { oracle: "the fastest curve", slow: ringVerifiers(fastestCurve), megabytes: 8, seconds: 4 },
  // room for 50 tables: they take each other's place all the time, and some signatures find none
  { oracle: "the fastest curve", slow: ringVerifiers(fastestCurve), megabytes: 0.8, seconds: 4 },
  { oracle: "pure JavaScript", slow: ringVerifiers(nobleCurve), megabytes: 256, seconds: 5 },
])("in $seconds s, no verdict differs from those over $oracle, with $megabytes MiB", (given) => {
  const { slow, megabytes, seconds } = given;
  const kernel = kernelOf(megabytes);
  const seed = `${today}/${given.oracle}/${megabytes}`;
  const end = performance.now() + seconds * 1000;
  const more = () => performance.now() < end;
  const cases = kernelCases(parts, seed);
  const { next, good } = compareCases({ cases, kernel, slow, seed, from: 0, to: 10_000_000, more });
  expect(next).toBeGreaterThan(200);
  // Of both kinds there are many, and the special cases do come by.
  expect(good).toBeGreaterThan(next / 20);
  expect(good).toBeLessThan(next / 2);
  expect(kernel.counts().slow).toBeGreaterThan(next / 100);
});

test("a kernel that is wrong is found out", () => {
  const right = kernelOf(8);
  const wrong: KernelVerifiers = {
    ...right,
    onChain: (ring, digest, signature) => {
      const verdict = right.onChain(ring, digest, signature);
      return digest[0] === 7 && verdict.ok ? { ok: false, reason: "does_not_verify" } : verdict;
    },
  };
  const cases = kernelCases(parts, "wrong");
  const slow = ringVerifiers(fastestCurve);
  const run = () => compareCases({ cases, kernel: wrong, slow, seed: "wrong", from: 0, to: 20_000 });
  expect(run).toThrow(/differ: .*"onChain"/);
});
