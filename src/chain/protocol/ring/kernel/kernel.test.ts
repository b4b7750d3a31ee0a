import { describe, expect, test } from "vitest";
import { publicKeyOf } from "../../ecdsa.ts";
import { ORDER, scalarBytes } from "../../scalar.ts";
import { nobleCurve } from "../curve-noble.ts";
import { ringVerifiers } from "../curve-verifier.ts";
import { prepareRing } from "../prepare.ts";
import { signRing } from "../sign.ts";
import type { RingVerdict } from "../verifier.ts";
import { openRingVerifiers } from "../verify.ts";
import { openKernel } from "./kernel.ts";
import type { KernelVerifiers, RingJob } from "./verifier.ts";

const GOOD: RingVerdict = { ok: true };
const FALSE: RingVerdict = { ok: false, reason: "does_not_verify" };
const slow = ringVerifiers(nobleCurve);

const secretOf = (number: number): Uint8Array => scalarBytes(BigInt(number) ** 77n + 12345n);
const digestOf = (number: number): Uint8Array => new Uint8Array(32).fill(number);

function kernelOf(megabytes: number): KernelVerifiers {
  const { verifiers, refusal } = openKernel({ megabytes });
  if (verifiers === undefined) throw new Error(refusal);
  return verifiers;
}

/** Signed by the last of the members. */
function signed(members: readonly number[], digest: Uint8Array): RingJob {
  const publicKeys = members.map((number) => publicKeyOf(secretOf(number)));
  const ring = prepareRing(publicKeys);
  const privateKey = secretOf(members.at(-1) ?? 0);
  const signature = signRing({ publicKeys, signerIndex: members.length - 1, privateKey, digest, ring });
  return { ring, digest, signature };
}

const withImage = (job: RingJob, image: Uint8Array): RingJob => {
  const signature = Uint8Array.from(job.signature);
  signature.set(image, 36);
  return { ...job, signature };
};

describe.each([256, 8])("with %i MiB", (megabytes) => {
  const kernel = kernelOf(megabytes);
  const isFull = megabytes === 256;
  const added = (work: () => void) => {
    const before = kernel.counts();
    work();
    const after = kernel.counts();
    return { built: after.built - before.built, tables: after.tables - before.tables };
  };

  test("a gateway's tables serve all its applications, a known signer costs none", () => {
    const cost = ({ ring, digest, signature }: RingJob) =>
      added(() => expect(kernel.atDoor(ring, digest, signature)).toEqual(GOOD));
    const [first, second] = [signed([11, 99], digestOf(1)), signed([12, 99], digestOf(2))];
    // two keys of two points each, and a small table to try the image
    expect(cost(first)).toEqual({ built: 5, tables: 4 });
    // that again, and one to keep; full tables are small ones at first, and one of them is made whole in a call
    expect(cost(first)).toEqual({ built: isFull ? 3 : 2, tables: 1 });
    for (let turn = 0; turn < 3; turn++) expect(cost(first)).toEqual({ built: isFull ? 1 : 0, tables: 0 });
    expect(cost(first)).toEqual({ built: 0, tables: 0 });
    expect(cost(second)).toEqual({ built: 2, tables: 2 });
    // the same ring prepared anew
    const again = signed([12, 99], digestOf(3));
    for (let turn = 0; turn < 2; turn++) expect(cost(again)).toEqual({ built: isFull ? 1 : 0, tables: 0 });
    expect(cost(again)).toEqual({ built: 0, tables: 0 });
  });

  test("a table does not change under a signature of its own batch", () => {
    const [one, other] = [signed([61, 62], digestOf(1)), signed([62, 63], digestOf(2))];
    const growth = () =>
      added(() => expect(kernel.manyAtDoor([one, other, one])).toEqual([GOOD, GOOD, GOOD]));
    // three keys of two points each, three images; the second image of one signer is the second good signature of it
    expect(growth()).toEqual({ built: 10, tables: 7 });
    expect(growth()).toEqual({ built: isFull ? 3 : 2, tables: 1 });
    for (let turn = 0; turn < 5; turn++) expect(growth()).toEqual({ built: isFull ? 1 : 0, tables: 0 });
    expect(growth()).toEqual({ built: 0, tables: 0 });
  });

  test("an image of bad signatures takes no table", () => {
    const job = signed([11, 99], digestOf(1));
    for (let turn = 0; turn < 6; turn++) kernel.atDoor(job.ring, job.digest, job.signature);
    const images = [3, 4, 5].map((number) => publicKeyOf(secretOf(number)));
    const growth = added(() => {
      for (const image of [...images, ...images]) {
        const { ring, digest, signature } = withImage(job, image);
        expect(kernel.atDoor(ring, digest, signature)).toEqual(FALSE);
      }
    });
    expect(growth).toEqual({ built: 6, tables: 0 });
    const none = withImage(job, Uint8Array.of(4, ...new Uint8Array(32)));
    expect(kernel.atDoor(none.ring, none.digest, none.signature)).toEqual({
      ok: false,
      reason: "bad_key_image",
    });
  });

  test("many get the verdicts that each would get alone, in their order", () => {
    const jobs = Array.from({ length: 41 }, (_, index) => {
      const job = signed(index % 5 === 0 ? [21, 22, 23] : [20 + (index % 3), 99], digestOf(index));
      if (index % 4 === 1) return { ...job, digest: digestOf(200) };
      if (index % 7 === 2) return { ...job, signature: job.signature.subarray(1) };
      return index % 11 === 3 ? { ...job, digest: digestOf(1).subarray(1) } : job;
    });
    const alone = jobs.map(({ ring, digest, signature }) => slow.atDoor(ring, digest, signature));
    expect(new Set(alone.map((verdict) => JSON.stringify(verdict))).size).toBeGreaterThan(3);
    expect(kernel.manyAtDoor(jobs)).toEqual(alone);
    expect(kernel.manyAtDoor([])).toEqual([]);
  });

  test("what the formulas do not have is judged slowly, its neighbours are not", () => {
    const job = signed([11, 99], digestOf(1));
    const [member] = job.ring.members;
    if (member === undefined) throw new Error("no member");
    // With I = −H(P) and s = c, each block's terms are opposite ones.
    const opposite = nobleCurve.sum(scalarBytes(ORDER - 1n), member.hashPoint, scalarBytes(0n), member.point);
    const bad = withImage(job, opposite);
    bad.signature.set(bad.signature.subarray(4, 36), 69);
    const before = kernel.counts().slow;
    expect(kernel.manyAtDoor([job, bad, job])).toEqual([GOOD, FALSE, GOOD]);
    expect(kernel.counts().slow - before).toBe(1);
  });

  test("more members than the kernel takes are judged slowly", () => {
    const many = Array.from({ length: 65 }, () => 11);
    const { ring, digest, signature } = signed(many, digestOf(1));
    const before = kernel.counts().slow;
    expect(kernel.atDoor(ring, digest, signature)).toEqual(GOOD);
    expect(kernel.counts().slow - before).toBe(1);
    const fewer = signed(many.slice(1), digestOf(1));
    expect(kernel.atDoor(fewer.ring, fewer.digest, fewer.signature)).toEqual(GOOD);
    expect(kernel.counts().slow - before).toBe(1);
  });
});

describe("with room for few tables", () => {
  test("the least recently used make room, and come back when they are wanted", () => {
    const kernel = kernelOf(0.65);
    const jobs = Array.from({ length: 12 }, (_, index) => signed([30 + index, 99], digestOf(index)));
    const before = kernel.counts();
    for (let turn = 0; turn < 2; turn++)
      for (const { ring, digest, signature } of jobs)
        expect(kernel.atDoor(ring, digest, signature)).toEqual(GOOD);
    const { tables, evicted, built, slow: slowly, bytes } = kernel.counts();
    expect(tables).toBe(11);
    expect(bytes).toBe(tables * 4096);
    expect(evicted - before.evicted).toBeGreaterThan(40);
    // The gateway's three tables are in use all the time, and are built once: it is the applications' that come and go.
    expect(built - before.built).toBe(24 * 2 + 3 + 2);
    expect(slowly).toBe(before.slow);
  });

  test("signatures that find no room beside others of their batch come into the next one", () => {
    const kernel = kernelOf(0.65);
    // 2 · 5 + 2 tables, of 11
    const jobs = Array.from({ length: 6 }, (_, index) => signed([30 + index, 99], digestOf(index)));
    const before = kernel.counts().slow;
    expect(kernel.manyAtDoor(jobs)).toEqual(jobs.map(() => GOOD));
    expect(kernel.counts().slow).toBe(before);
  });

  test("the size of tables is the memory's, unless it is said", () => {
    const bytesOf = (options: object): number | undefined => {
      const counts = openRingVerifiers(options).counts();
      return counts && counts.bytes / counts.tables;
    };
    const [full, small] = [32 * 1024, 4 * 1024];
    expect(bytesOf({ megabytes: 64 })).toBe(full);
    expect(bytesOf({ megabytes: 64, tables: "auto" })).toBe(full);
    expect(bytesOf({ megabytes: 63 })).toBe(small);
    expect(bytesOf({ megabytes: 16, tables: "full" })).toBe(full);
    expect(bytesOf({ megabytes: 256, tables: "small" })).toBe(small);
  });

  test("signatures for whose keys there is no room are judged slowly", () => {
    const kernel = kernelOf(0.65);
    const members = Array.from({ length: 12 }, (_, index) => 50 + index);
    const { ring, digest, signature } = signed(members, digestOf(1));
    const before = kernel.counts().slow;
    expect(kernel.atDoor(ring, digest, signature)).toEqual(GOOD);
    expect(kernel.counts().slow - before).toBe(1);
    const small = signed([50, 51], digestOf(1));
    expect(kernel.atDoor(small.ring, small.digest, small.signature)).toEqual(GOOD);
    expect(kernel.counts().slow - before).toBe(1);
  });
});

describe("the bound on slow verifications", () => {
  const job = signed([11, 99], digestOf(1));
  // all sums at infinity, for any key: what anybody can send for anybody
  const contrived: RingJob = { ...job, signature: Uint8Array.from(job.signature) };
  for (const offset of [4, 69, 134]) contrived.signature.fill(0, offset, offset + 32);
  const REFUSED: RingVerdict = { ok: false, reason: "too_many_special_cases" };

  test("is asked with the account, of special cases only, and its no is a refusal", () => {
    const asked: (string | undefined)[] = [];
    const mayVerifySlowly = (account: string | undefined): boolean => {
      asked.push(account);
      return account !== "bad";
    };
    const opened = openRingVerifiers({ megabytes: 16, mayVerifySlowly });
    expect(opened.name).toBe("kernel");
    // the self-test's are nobody's
    expect(asked).toEqual([]);
    const jobs = [
      { ...job, account: "bad" },
      { ...contrived, account: "bad" },
      { ...contrived, account: "fine" },
      contrived,
    ];
    const before = opened.counts();
    expect(opened.manyAtDoor(jobs)).toEqual([GOOD, REFUSED, FALSE, FALSE]);
    expect(asked).toEqual(["bad", "fine", undefined]);
    expect(opened.atDoor(contrived.ring, contrived.digest, contrived.signature, "bad")).toEqual(REFUSED);
    expect(opened.atDoor(contrived.ring, contrived.digest, contrived.signature)).toEqual(FALSE);
    expect(asked).toHaveLength(5);
    const after = opened.counts();
    expect((after?.slow ?? 0) - (before?.slow ?? 0)).toBe(3);
    expect(after?.slowRefused).toBe(2);
  });

  test("is not asked for the chain's verdict, nor where there is no kernel", () => {
    const mayVerifySlowly = () => {
      throw new Error("asked");
    };
    const opened = openRingVerifiers({ megabytes: 16, mayVerifySlowly });
    expect(opened.onChain(contrived.ring, contrived.digest, contrived.signature)).toEqual(FALSE);
    const without = openRingVerifiers({ code: new Uint8Array(3), mayVerifySlowly });
    expect(without.manyAtDoor([{ ...contrived, account: "bad" }])).toEqual([FALSE]);
  });

  test("counts members beyond the kernel's, too", () => {
    const many = signed(
      Array.from({ length: 65 }, () => 11),
      digestOf(1),
    );
    const opened = openRingVerifiers({ megabytes: 16, mayVerifySlowly: () => false });
    expect(opened.atDoor(many.ring, many.digest, many.signature)).toEqual(REFUSED);
  });
});
