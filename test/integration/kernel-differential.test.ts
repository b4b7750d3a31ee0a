import { expect, test } from "vitest";
// @ts-expect-error: a script, plain JavaScript
import * as script from "../../scripts/kernel-cases.mjs";
import { publicKeyOf } from "../../src/chain/protocol/ecdsa.ts";
import { challenge } from "../../src/chain/protocol/ring/challenge.ts";
import { INFINITY } from "../../src/chain/protocol/ring/curve.ts";
import { nobleCurve } from "../../src/chain/protocol/ring/curve-noble.ts";
import { ringVerifiers } from "../../src/chain/protocol/ring/curve-verifier.ts";
import { fastestCurve } from "../../src/chain/protocol/ring/fastest-curve.ts";
import { KernelInstance } from "../../src/chain/protocol/ring/kernel/instance.ts";
import { type KernelOptions, openKernel } from "../../src/chain/protocol/ring/kernel/kernel.ts";
import { Tables } from "../../src/chain/protocol/ring/kernel/tables.ts";
import {
  type KernelVerifiers,
  kernelVerifiersOver,
  type RingJob,
} from "../../src/chain/protocol/ring/kernel/verifier.ts";
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
  kernelCases(parts: object, seed: string): { caseAt(index: number): RingJob };
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

/** Room for some 20 tables of the full size, which are small at first: they are made, made whole and lost all the time. */
function crowded(): KernelVerifiers {
  const kernel = new KernelInstance(16 * 2 ** 20);
  return kernelVerifiersOver(kernel, new Tables(kernel, 5.5 * 2 ** 20, 8), fastestCurve, () => true);
}

function kernelOf(options: KernelOptions): KernelVerifiers {
  const { verifiers, refusal } = openKernel(options);
  if (verifiers === undefined) throw new Error(refusal);
  return verifiers;
}

// Each day other cases: a run says its seed when it fails. `npm run fuzz:kernel` does a million.
const today = `day ${Math.floor(Date.now() / 86_400_000)}`;

const fastest = { oracle: "the fastest curve", slow: ringVerifiers(fastestCurve) };
const slices: {
  what: string;
  oracle: string;
  slow: RingVerifiers;
  open: () => KernelVerifiers;
  seconds: number;
}[] = [
  { what: "256 MiB", ...fastest, open: () => kernelOf({ megabytes: 256 }), seconds: 16 },
  { what: "8 MiB", ...fastest, open: () => kernelOf({ megabytes: 8 }), seconds: 10 },
  // room for 50 tables: they take each other's place all the time, and some signatures find none
  { what: "0.8 MiB", ...fastest, open: () => kernelOf({ megabytes: 0.8 }), seconds: 10 },
  { what: "few full tables", ...fastest, open: crowded, seconds: 14 },
  {
    what: "256 MiB",
    oracle: "pure JavaScript",
    slow: ringVerifiers(nobleCurve),
    open: () => kernelOf({ megabytes: 256 }),
    seconds: 10,
  },
];

test.each(slices)("in $seconds s, no verdict differs from those over $oracle, with $what", (given) => {
  const { what, oracle, slow, open, seconds } = given;
  const kernel = open();
  const seed = `${today}/${oracle}/${what}`;
  const end = performance.now() + seconds * 1000;
  const more = () => performance.now() < end;
  const cases = kernelCases(parts, seed);
  const { next, good } = compareCases({ cases, kernel, slow, seed, from: 0, to: 10_000_000, more });
  // Pure JavaScript takes 10 to 50 ms for each.
  expect(next).toBeGreaterThan(50);
  if (next < 500) return;
  // Of both kinds there are many, and the special cases do come by.
  expect(good).toBeGreaterThan(next / 20);
  expect(good).toBeLessThan(next / 2);
  expect(kernel.counts().slow).toBeGreaterThan(next / 100);
});

test("the cases have rings of 1 to 16 members and end in every verdict", () => {
  const { caseAt } = kernelCases(parts, "kinds");
  const sizes = new Set<number>();
  const verdicts = new Set<string>();
  for (let number = 0; number < 1000; number++) {
    const { signature } = caseAt(8 * number);
    sizes.add((signature.length - 69) / 65);
    const { ring, digest, signature: bytes } = caseAt(8 * number + 1);
    const verdict = fastest.slow.atDoor(ring, digest, bytes);
    verdicts.add(verdict.ok ? "ok" : verdict.reason);
  }
  expect(sizes).toEqual(new Set(Array.from({ length: 16 }, (_, index) => index + 1)));
  expect(verdicts).toEqual(
    new Set([
      ...["bad_encoding", "bad_key_image", "does_not_verify", "not_a_member", "not_canonical", "ok"],
      "too_many_members",
    ]),
  );
});

test("a kernel that is wrong is found out", () => {
  const right = kernelOf({ megabytes: 8 });
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
