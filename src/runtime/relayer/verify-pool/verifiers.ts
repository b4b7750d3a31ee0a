import { type OpenedVerifiers, openRingVerifiers } from "../../../chain/protocol/ring/verify.ts";

/** Of each thread that verifies: the same for the main thread and the workers, to which they are copied. */
export type VerifierSettings = {
  /** Most memory for tables, in MiB. */
  readonly megabytes: number;
  readonly tables: "auto" | "full" | "small";
};

/** The kernel makes small tables where it may have less than 64 MiB. */
const MOST_FOR_SMALL = 63;

/** The one place where the verifiers that the pool uses are opened. Takes some 40 ms; never throws. */
export function openPoolVerifiers({ megabytes, tables }: VerifierSettings): OpenedVerifiers {
  return openRingVerifiers({
    megabytes: tables === "small" ? Math.min(megabytes, MOST_FOR_SMALL) : megabytes,
  });
}
