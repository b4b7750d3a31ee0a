import type { Curve } from "./curve.ts";
import { ringVerifiers } from "./curve-verifier.ts";
import { fastestCurve } from "./fastest-curve.ts";
import { type KernelOptions, openKernel } from "./kernel/kernel.ts";
import type { KernelCounts, VerifyRings } from "./kernel/verifier.ts";
import type { RingVerifiers, VerifyRing } from "./verifier.ts";

export type OpenedVerifiers = RingVerifiers & {
  /** What runs: the kernel, or the curve of the slow verifier. */
  readonly name: "kernel" | Curve["name"];
  /** Why the kernel does not run; undefined if it does. */
  readonly refusal: string | undefined;
  /** As atDoor for each. */
  readonly manyAtDoor: VerifyRings;
  /** Undefined without the kernel. */
  readonly counts: () => KernelCounts | undefined;
};

/**
 * The verification kernel if it loads and passes its test, else the slow verifier. Has its own memory for tables, so one for each
 * process or thread; takes some 40 ms. Never throws. Where the kernel was refused, mayVerifySlowly is not asked: all is slow then.
 */
export function openRingVerifiers(options: KernelOptions = {}): OpenedVerifiers {
  const { verifiers, refusal } = openKernel(options);
  if (verifiers !== undefined) return { ...verifiers, name: "kernel", refusal };
  const curve = options.curve ?? fastestCurve;
  const { onChain, atDoor } = ringVerifiers(curve);
  return {
    ...{ onChain, atDoor, refusal, name: curve.name, counts: () => undefined },
    manyAtDoor: (jobs) => jobs.map(({ ring, digest, signature }) => atDoor(ring, digest, signature)),
  };
}

let shared: OpenedVerifiers | undefined;

/** What this process shares, opened when it is first needed: most commands never verify anything. */
function sharedVerifiers(): OpenedVerifiers {
  shared ??= openRingVerifiers();
  return shared;
}

/** Exactly what the chain accepts in a proof (verifier.ts). */
export const verifyRingOnChain: VerifyRing = (ring, digest, signature) =>
  sharedVerifiers().onChain(ring, digest, signature);

/** What a relayer accepts (verifier.ts); without a bound on slow verifications. */
export const verifyRingAtDoor: VerifyRing = (ring, digest, signature) =>
  sharedVerifiers().atDoor(ring, digest, signature);
