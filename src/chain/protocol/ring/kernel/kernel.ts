import { toError } from "../../../../base/errors.ts";
import type { Curve } from "../curve.ts";
import { fastestCurve } from "../fastest-curve.ts";
import { KernelInstance } from "./instance.ts";
import { selfTest } from "./self-test.ts";
import { Tables } from "./tables.ts";
import { type KernelVerifiers, kernelVerifiersOver } from "./verifier.ts";

export type KernelOptions = {
  /**
   * Most memory for everything, in MiB; at least 16. A key takes 64 KiB, and 32 more for the key image of one that signs; 5 MiB are
   * the kernel's. Below 64 MiB tables are an eighth of that size, and a signature takes 1.6 times as long.
   */
  readonly megabytes?: number;
  /** Of the verifier that judges what the kernel cannot, and that the self-test compares with. */
  readonly curve?: Curve;
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
  curve = fastestCurve,
  code,
}: KernelOptions = {}): OpenedKernel {
  try {
    const limit = megabytes * MEGABYTE;
    const kernel = new KernelInstance(limit, code);
    const tables = new Tables(kernel, limit, megabytes < SMALL_MEGABYTES ? 4 : 8);
    const verifiers = kernelVerifiersOver(kernel, tables, curve);
    const refusal = selfTest(verifiers.manyAtDoor, curve);
    return refusal === undefined ? { verifiers } : { refusal };
  } catch (thrown) {
    return { refusal: toError(thrown).message };
  }
}
