import type { Curve } from "../curve.ts";
import { verifyOpened } from "../curve-verifier.ts";
import type { RingSignature } from "../decode.ts";
import { findMember, type PreparedRing, type RingMember } from "../prepare.ts";
import {
  type OpenSignature,
  openAtDoor,
  openOnChain,
  type RingVerdict,
  type RingVerifiers,
  refused,
  VERIFIED,
} from "../verifier.ts";
import type { KernelInstance } from "./instance.ts";
import { KeyTableIndex } from "./keys.ts";
import type { TableCounts, Tables } from "./tables.ts";

/** One signature among several. */
export type RingJob = {
  readonly ring: PreparedRing;
  readonly digest: Uint8Array;
  readonly signature: Uint8Array;
  /** Who sent it: the application's address. Only for MayVerifySlowly. */
  readonly account?: string | undefined;
};

/** Whether the slow verifier may judge one more signature of an account; KernelOptions has the why. */
export type MayVerifySlowly = (account: string | undefined) => boolean;

/** Verdicts in the order of the jobs. Eight at once cost a fifth less than one after the other. */
export type VerifyRings = (jobs: readonly RingJob[]) => RingVerdict[];

export type KernelCounts = TableCounts & {
  /** Signatures that the slow verifier judged: special cases of the curve's formulas, or no room for tables. */
  readonly slow: number;
  /** Signatures that it was not allowed to judge. */
  readonly slowRefused: number;
};

export type KernelVerifiers = RingVerifiers & {
  readonly manyAtDoor: VerifyRings;
  readonly counts: () => KernelCounts;
};

// assembly/layout.ts, in bytes
const JOB_CHALLENGE = 32;
const JOB_IMAGE = 64;
const JOB_COUNT = 68;
const JOB_STATUS = 72;
const JOB_STEPS = 80;
const STEP_POINT = 32;
const STEP_HASH = 36;
const STEP_BYTES = 40;
const VALID = 1;
const UNKNOWN = 2;

/** What is accepted as an encoding, and how much of what is accepted the slow verifier may judge. */
type Rules = { readonly open: OpenSignature; readonly may: MayVerifySlowly };

/** A signature whose encoding is accepted. */
type Opened = {
  readonly ring: PreparedRing;
  readonly digest: Uint8Array;
  readonly signature: RingSignature;
  readonly account: string | undefined;
};

/** A signature that the kernel has; with the key image as a point if that has no table of its own yet. */
type Placed = Opened & { readonly newImage: Uint8Array | undefined };

/**
 * Verifiers over the kernel. `curve` is that of the slow verifier, which judges what the kernel cannot: special cases of the curve's
 * formulas, more members than the kernel takes, no room for the tables of one signature; at the door, as long as `may` says yes. The
 * verdicts are the slow verifier's, for every input that it may judge.
 */
export function kernelVerifiersOver(
  kernel: KernelInstance,
  tables: Tables,
  curve: Curve,
  may: MayVerifySlowly,
): KernelVerifiers {
  const desk = new Desk(kernel, tables, curve);
  const chain: Rules = { open: openOnChain, may: () => true };
  const door: Rules = { open: openAtDoor, may };
  return {
    onChain: (ring, digest, signature) => desk.verify([{ ring, digest, signature }], chain)[0] ?? NONE,
    atDoor: (ring, digest, signature, account) =>
      desk.verify([{ ring, digest, signature, account }], door)[0] ?? NONE,
    manyAtDoor: (jobs) => desk.verify(jobs, door),
    counts: () => desk.counts(),
  };
}

const NONE = refused("does_not_verify");

/** Writes signatures down for the kernel, has them verified, and reads its answers. */
class Desk {
  readonly #kernel: KernelInstance;
  readonly #tables: Tables;
  readonly #curve: Curve;
  readonly #index = new KeyTableIndex();
  readonly #jobs: number;
  readonly #maxJobs: number;
  readonly #maxSteps: number;
  readonly #jobBytes: number;
  #placed: Placed[] = [];
  #slow = 0;
  #slowRefused = 0;

  constructor(kernel: KernelInstance, tables: Tables, curve: Curve) {
    this.#kernel = kernel;
    this.#tables = tables;
    this.#curve = curve;
    this.#jobs = kernel.exports.jobs();
    this.#maxJobs = kernel.exports.maxJobs();
    this.#maxSteps = kernel.exports.maxSteps();
    this.#jobBytes = JOB_STEPS + this.#maxSteps * STEP_BYTES;
  }

  counts(): KernelCounts {
    return { ...this.#tables.counts(), slow: this.#slow, slowRefused: this.#slowRefused };
  }

  verify(jobs: readonly RingJob[], rules: Rules): RingVerdict[] {
    const verdicts: RingVerdict[] = [];
    let waiting: number[] = [];
    const take = () => {
      if (waiting.length > 0) this.#kernel.exports.verify(waiting.length);
      for (const [place, index] of waiting.entries()) verdicts[index] = this.#answer(place, rules.may);
      waiting = [];
      this.#placed = [];
      this.#tables.nextCall();
    };
    for (const [index, { ring, digest, signature: bytes, account }] of jobs.entries()) {
      const signature = rules.open(ring, digest, bytes);
      if ("reason" in signature) {
        verdicts[index] = signature;
        continue;
      }
      const opened = { ring, digest, signature, account };
      let answer = this.#place(opened);
      if (answer === "no_room") {
        // Those that wait hold tables.
        take();
        answer = this.#place(opened);
      }
      if (answer === "placed") waiting.push(index);
      else verdicts[index] = typeof answer === "object" ? answer : this.#slowly(opened, rules.may);
      if (waiting.length === this.#maxJobs) take();
    }
    take();
    return verdicts;
  }

  /** Writes a signature down as the next one, if the kernel can have it; a verdict if there is one without the kernel. */
  #place(opened: Opened): RingVerdict | "placed" | "no_room" | "too_many" {
    const { digest, ring, signature } = opened;
    const members: RingMember[] = [];
    for (const { publicKey } of signature.pairs) {
      const member = findMember(ring.members, publicKey);
      if (member === undefined) return refused("not_a_member");
      members.push(member);
    }
    if (members.length > this.#maxSteps) return "too_many";

    const image = this.#image(signature.keyImage);
    if (image === undefined) return refused("bad_key_image");
    const at = this.#jobs + this.#placed.length * this.#jobBytes;
    if (!this.#placeMembers(at + JOB_STEPS, members)) return "no_room";
    const { bytes, words } = this.#kernel;
    for (const [index, { scalar }] of signature.pairs.entries())
      bytes.set(scalar, at + JOB_STEPS + index * STEP_BYTES);
    bytes.set(digest, at);
    bytes.set(signature.challenge, at + JOB_CHALLENGE);
    words[(at + JOB_IMAGE) >> 2] = image.reference;
    words[(at + JOB_COUNT) >> 2] = members.length;
    this.#placed.push({ ...opened, newImage: image.newPoint });
    return "placed";
  }

  /** The members' tables; false if there is no room for them. */
  #placeMembers(at: number, members: readonly RingMember[]): boolean {
    for (const [index, member] of members.entries()) {
      const owners = this.#index.of(member);
      const point = this.#tables.of(owners.point, member.point);
      const hash = this.#tables.of(owners.hash, member.hashPoint);
      if (point === 0 || hash === 0) return false;
      const { words } = this.#kernel;
      const step = at + index * STEP_BYTES;
      words[(step + STEP_POINT) >> 2] = point;
      words[(step + STEP_HASH) >> 2] = hash;
    }
    return true;
  }

  /**
   * The key image's table. Anybody can send any image, so one that has not been in two good signatures yet gets a small table for this
   * once, and takes no other's place. Undefined if the bytes are no point.
   */
  #image(bytes: Uint8Array): { reference: number; newPoint: Uint8Array | undefined } | undefined {
    const owner = this.#index.image(bytes);
    if (owner !== undefined) return { reference: this.#tables.use(owner), newPoint: undefined };
    const point = this.#curve.decompress(bytes);
    if (point === undefined) return undefined;
    return { reference: this.#tables.passing(this.#placed.length, point), newPoint: point };
  }

  /** The verdict on the signature at a place, after the kernel has run. */
  #answer(place: number, may: MayVerifySlowly): RingVerdict {
    const placed = this.#placed[place];
    const status = this.#kernel.words[(this.#jobs + place * this.#jobBytes + JOB_STATUS) >> 2];
    if (placed === undefined || status === UNKNOWN) return placed ? this.#slowly(placed, may) : NONE;
    if (status !== VALID) return refused("does_not_verify");
    const { newImage, signature } = placed;
    const owner = newImage && this.#index.proven(signature.keyImage);
    if (newImage !== undefined && owner !== undefined) this.#tables.whole(owner, newImage);
    return VERIFIED;
  }

  #slowly({ ring, digest, signature, account }: Opened, may: MayVerifySlowly): RingVerdict {
    if (!may(account)) {
      this.#slowRefused++;
      return refused("too_many_special_cases");
    }
    this.#slow++;
    return verifyOpened(this.#curve, ring, digest, signature);
  }
}
