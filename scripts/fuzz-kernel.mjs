// Compares the verification kernel with the slow verifier on as many signatures as wanted.
// Usage: npm run fuzz:kernel -- [--cases 1000000] [--seed <text>] [--state <file>]
//          [--megabytes <n>] [--tables auto|full|small] [--crowded]
// With --state, a run that was stopped goes on where it was. Below 64 MiB the kernel has its small tables, below 1 MiB too few of them;
// --crowded gives it room for some 20 full ones, which are made, made whole and lost all the time.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { publicKeyOf } from "../dist/chain/protocol/ecdsa.js";
import { challenge } from "../dist/chain/protocol/ring/challenge.js";
import { INFINITY } from "../dist/chain/protocol/ring/curve.js";
import { nobleCurve } from "../dist/chain/protocol/ring/curve-noble.js";
import { ringVerifiers } from "../dist/chain/protocol/ring/curve-verifier.js";
import { fastestCurve } from "../dist/chain/protocol/ring/fastest-curve.js";
import { KernelInstance } from "../dist/chain/protocol/ring/kernel/instance.js";
import { Tables } from "../dist/chain/protocol/ring/kernel/tables.js";
import { kernelVerifiersOver } from "../dist/chain/protocol/ring/kernel/verifier.js";
import { prepareRing } from "../dist/chain/protocol/ring/prepare.js";
import { signRing } from "../dist/chain/protocol/ring/sign.js";
import { openRingVerifiers } from "../dist/chain/protocol/ring/verify.js";
import { ORDER, scalarBytes } from "../dist/chain/protocol/scalar.js";
import { compareCases, kernelCases } from "./kernel-cases.mjs";

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "1000000" },
    seed: { type: "string", default: "kernel" },
    state: { type: "string" },
    megabytes: { type: "string", default: "256" },
    tables: { type: "string", default: "auto" },
    crowded: { type: "boolean", default: false },
  },
});
const { seed, state, tables, crowded } = values;
const wanted = Number(values.cases);
const STEP = 10_000;

const verifiers = crowded
  ? crowdedVerifiers()
  : openRingVerifiers({ megabytes: Number(values.megabytes), tables });
if (verifiers.refusal !== undefined) throw new Error(verifiers.refusal);
const parts = {
  ...{ ORDER, scalarBytes, publicKeyOf, prepareRing, signRing },
  ...{ curve: fastestCurve, INFINITY, challenge },
};
const cases = kernelCases(parts, seed);
const slow = ringVerifiers(fastestCurve);
const noble = ringVerifiers(nobleCurve);

let progress = { seed, next: 0, good: 0 };
if (state && existsSync(state)) {
  const read = JSON.parse(readFileSync(state, "utf8"));
  if (read.seed === seed) progress = read;
}
function crowdedVerifiers() {
  const kernel = new KernelInstance(16 * 2 ** 20);
  return kernelVerifiersOver(kernel, new Tables(kernel, 5.5 * 2 ** 20, 8), fastestCurve, () => true);
}

while (progress.next < wanted) {
  const to = Math.min(progress.next + STEP, wanted);
  // The first few of each step also against pure JavaScript: the fast curve is an oracle, too, and not above doubt.
  compareCases({
    cases,
    kernel: verifiers,
    slow: noble,
    seed,
    from: progress.next,
    to: Math.min(progress.next + 20, to),
  });
  const { next, good } = compareCases({ cases, kernel: verifiers, slow, seed, from: progress.next, to });
  progress = { seed, next, good: progress.good + good };
  if (state) writeFileSync(state, `${JSON.stringify(progress)}\n`);
  console.log(
    `${next} cases, ${progress.good} of them good, no difference; ${JSON.stringify(verifiers.counts())}`,
  );
}
