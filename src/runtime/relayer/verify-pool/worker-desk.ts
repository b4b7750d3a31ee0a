import type { KernelCounts } from "../../../chain/protocol/ring/kernel/verifier.ts";
import type { RingVerdict } from "../../../chain/protocol/ring/verifier.ts";
import type { OpenedVerifiers } from "../../../chain/protocol/ring/verify.ts";
import { decodeBatch } from "./batch.ts";
import type { VerifyJob } from "./job.ts";
import { RingsById } from "./ring-ids.ts";

export type Refusal = Extract<RingVerdict, { ok: false }>["reason"];

/** The first message of a worker: it takes batches now. */
export type WorkerReady = {
  readonly kind: "ready";
  readonly verifier: string;
  /** Why the kernel does not run there. */
  readonly refusal: string | undefined;
};

/** One for each batch, in their order. */
export type WorkerAnswer = {
  readonly kind: "answer";
  /** A byte for each job: VALID, UNKNOWN_RING, or from FIRST_REFUSAL on the place of its reason in `reasons`. */
  readonly verdicts: Uint8Array<ArrayBuffer>;
  readonly reasons: readonly Refusal[];
  readonly counts: KernelCounts | undefined;
};

export const VALID = 0;
export const UNKNOWN_RING = 1;
export const FIRST_REFUSAL = 2;

/** What a worker does with a batch: everything of it but the thread. */
export class WorkerDesk {
  readonly #verifiers: OpenedVerifiers;
  readonly #rings: RingsById;

  constructor(verifiers: OpenedVerifiers, maxRings?: number) {
    this.#verifiers = verifiers;
    this.#rings = new RingsById(maxRings);
  }

  answer(buffer: ArrayBuffer): WorkerAnswer {
    const batch = decodeBatch(buffer);
    const verdicts = new Uint8Array(batch.jobs.length).fill(UNKNOWN_RING);
    for (const ring of batch.rings) this.#rings.add(ring);
    const places: number[] = [];
    const jobs: VerifyJob[] = [];
    for (const [place, { ringId, digest, signature }] of batch.jobs.entries()) {
      const known = this.#rings.get(ringId);
      if (known === undefined) continue;
      places.push(place);
      jobs.push({ ring: known.ring, account: known.account, digest, signature });
    }
    const reasons: Refusal[] = [];
    for (const [index, verdict] of this.#verifiers.manyAtDoor(jobs).entries()) {
      const place = places[index];
      if (place !== undefined) verdicts[place] = byteOf(verdict, reasons);
    }
    return { kind: "answer", verdicts, reasons, counts: this.#verifiers.counts() };
  }
}

/** Of a verdict; a reason that is not in the list yet is added to it. */
function byteOf(verdict: RingVerdict, reasons: Refusal[]): number {
  if (verdict.ok) return VALID;
  const known = reasons.indexOf(verdict.reason);
  return FIRST_REFUSAL + (known === -1 ? reasons.push(verdict.reason) - 1 : known);
}
