import { toError } from "../../../../base/errors.ts";
import type { Curve } from "../curve.ts";
import { fastestCurve } from "../fastest-curve.ts";
import { KernelInstance } from "./instance.ts";
import { selfTest } from "./self-test.ts";
import { Tables } from "./tables.ts";
import { type KernelVerifiers, kernelVerifiersOver, type MayVerifySlowly } from "./verifier.ts";

export type KernelOptions = {
  /** Most memory for everything, in MiB; at least 16. With full tables 5 MiB are the kernel's own, with small ones one. */
  readonly megabytes?: number;
  /**
   * How large tables are. "full": a key takes 64 KiB, and 32 more for the key image of one that signs. "small": an eighth of that, and
   * a signature takes 1.6 times as long. "auto", what it is if left out: small below 64 MiB.
   */
  readonly tables?: "auto" | "full" | "small";
  /** Of the verifier that judges what the kernel cannot, and that the self-test compares with. */
  readonly curve?: Curve;
  /**
   * Asked before the slow verifier judges a signature at the door, with who sent it (RingJob, VerifyRing); if it says no, the signature
   * is refused as too_many_special_cases. Always yes if left out. A good signature of an honest signer meets a special case with a
   * chance below 2^-200; contrived ones meet one whenever they want, and cost 4 to 100 times as much as others. Larger rings than the
   * kernel takes, of more than 64 keys, come here, too. Not asked for the chain's verdict, nor where the kernel was refused: then the
   * slow verifier is all there is. See AccountBudget.
   */
  readonly mayVerifySlowly?: MayVerifySlowly;
  /** The compiled kernel; what the build made if left out. */
  readonly code?: Uint8Array;
};

export type OpenedKernel =
  | { readonly verifiers: KernelVerifiers; readonly refusal?: undefined }
  | { readonly verifiers?: undefined; readonly refusal: string };

const MEGABYTE = 2 ** 20;
const DEFAULT_MEGABYTES = 256;
const SMALL_MEGABYTES = 64;

/**
 * Loads the verification kernel and tries it: some 40 ms. If it is missing, does not compile, gets no memory or does not give the
 * verdicts that it should, `refusal` says so, and the slow verifier is what is left. Never throws.
 */
export function openKernel({
  megabytes = DEFAULT_MEGABYTES,
  tables: size = "auto",
  curve = fastestCurve,
  mayVerifySlowly = () => true,
  code,
}: KernelOptions = {}): OpenedKernel {
  try {
    const limit = megabytes * MEGABYTE;
    const kernel = new KernelInstance(limit, code);
    const isSmall = size === "small" || (size === "auto" && megabytes < SMALL_MEGABYTES);
    const tables = new Tables(kernel, limit, isSmall ? 4 : 8);
    // The test's special cases are nobody's.
    let may: MayVerifySlowly = () => true;
    const verifiers = kernelVerifiersOver(kernel, tables, curve, (account) => may(account));
    const refusal = selfTest(verifiers.manyAtDoor, curve);
    may = mayVerifySlowly;
    return refusal === undefined ? { verifiers } : { refusal };
  } catch (thrown) {
    return { refusal: toError(thrown).message };
  }
}
