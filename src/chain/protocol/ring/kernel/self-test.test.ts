import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { publicKeyOf } from "../../ecdsa.ts";
import { scalarBytes } from "../../scalar.ts";
import { nobleCurve } from "../curve-noble.ts";
import { ringVerifiers } from "../curve-verifier.ts";
import { prepareRing } from "../prepare.ts";
import { signRing } from "../sign.ts";
import type { RingVerdict } from "../verifier.ts";
import { type OpenedVerifiers, openRingVerifiers } from "../verify.ts";
import { KernelInstance } from "./instance.ts";
import { openKernel } from "./kernel.ts";
import { selfTest } from "./self-test.ts";
import { TableOwner, Tables } from "./tables.ts";
import { kernelVerifiersOver, type RingJob, type VerifyRings } from "./verifier.ts";

const GOOD: RingVerdict = { ok: true };
const FALSE: RingVerdict = { ok: false, reason: "does_not_verify" };
const slow = ringVerifiers(nobleCurve);
const digestOf = (number: number): Uint8Array => new Uint8Array(32).fill(number);

function signed(digest: Uint8Array): RingJob {
  const [privateKey, publicKey] = [scalarBytes(4321n), publicKeyOf(scalarBytes(4321n))];
  const publicKeys = [publicKeyOf(scalarBytes(1234n)), publicKey];
  const ring = prepareRing(publicKeys);
  return { ring, digest, signature: signRing({ publicKeys, signerIndex: 1, privateKey, digest, ring }) };
}

describe("a kernel that cannot be had", () => {
  const expectSlowAndRight = (opened: OpenedVerifiers, reason: RegExp): void => {
    expect(opened.refusal).toMatch(reason);
    expect(opened.name).toMatch(/^(native|noble)$/);
    expect(opened.counts()).toBeUndefined();
    const job = signed(digestOf(1));
    expect(opened.atDoor(job.ring, job.digest, job.signature)).toEqual(GOOD);
    expect(opened.onChain(job.ring, digestOf(2), job.signature)).toEqual(FALSE);
    expect(opened.manyAtDoor([job, { ...job, digest: digestOf(2) }])).toEqual([GOOD, FALSE]);
  };
  const code = readFileSync(new URL("kernel.wasm", import.meta.url));

  test.each([
    ["is no code", new Uint8Array(3), /WebAssembly/],
    ["is cut off", code.subarray(0, code.length - 9), /WebAssembly/],
  ])("%s is refused, and the slow verifier is there", (_what, bytes, reason) => {
    const opened = openRingVerifiers({ code: bytes });
    expectSlowAndRight(opened, reason);
  });

  test("too little memory is a reason", () => {
    expect(openKernel({ megabytes: 0.5 }).refusal).toBe("too little memory for any table");
  });

  // As they begin in the code: LEB128 and little-endian bytes.
  test.each([
    ["977^−1 modulo 2^29", [0xb1, 0xea, 0x94, 0x91]],
    ["the lowest word of 2^256 − n", [0xbf, 0xbe, 0xc9, 0x2f]],
    ["the last round constant of SHA-3", [0x08, 0x80, 0x00, 0x80, 0, 0, 0, 0x80]],
  ])("with another %s it is refused, and the verdicts are right", (_what, constant) => {
    const offset = code.indexOf(Buffer.from(constant));
    expect(offset).toBeGreaterThan(0);
    const wrong = Uint8Array.from(code);
    wrong[offset] = (wrong[offset] ?? 0) ^ 2;
    expectSlowAndRight(openRingVerifiers({ code: wrong }), /self-test/);
    expectSlowAndRight(openRingVerifiers({ code: wrong, megabytes: 16, curve: nobleCurve }), /self-test/);
  });

  test.each([4, 8] as const)(
    "tables of %i teeth that were spoilt after they were made are found",
    (teeth) => {
      const limit = 2 ** 24;
      const open = (spoil: (kernel: KernelInstance, tables: Tables) => void) => {
        const kernel = new KernelInstance(limit, code);
        const tables = new Tables(kernel, limit, teeth);
        spoil(kernel, tables);
        return selfTest(kernelVerifiersOver(kernel, tables, nobleCurve, () => true).manyAtDoor, nobleCurve);
      };
      const start = (kernel: KernelInstance) => kernel.exports.free();
      const end = (kernel: KernelInstance) => start(kernel) + (teeth === 4 ? 2 ** 15 : 2 ** 22);
      expect(open(() => undefined)).toBeUndefined();
      // the base point's: of another point, all zero, one bit of each x
      const other = nobleCurve.decompress(publicKeyOf(scalarBytes(7n))) ?? new Uint8Array(65);
      const another = (kernel: KernelInstance, tables: Tables) =>
        kernel.exports.setBase(tables.of(new TableOwner(() => undefined), other));
      expect(open(another)).toMatch(/self-test/);
      expect(open((kernel) => kernel.bytes.fill(0, start(kernel), end(kernel)))).toMatch(/self-test/);
      const oneBit = (kernel: KernelInstance) => {
        for (let entry = start(kernel); entry < end(kernel); entry += 64)
          kernel.bytes[entry] = (kernel.bytes[entry] ?? 0) ^ 1;
      };
      expect(open(oneBit)).toMatch(/self-test/);
    },
  );
});

describe("the self-test", () => {
  const right: VerifyRings = (jobs) =>
    jobs.map(({ ring, digest, signature }) => slow.atDoor(ring, digest, signature));

  test("passes a verifier that is right", () => {
    expect(selfTest(right, nobleCurve)).toBeUndefined();
  });

  test.each<[string, VerifyRings]>([
    ["takes all", (jobs) => jobs.map(() => GOOD)],
    ["takes none", (jobs) => jobs.map(() => FALSE)],
    ["answers in another order", (jobs) => right(jobs).reverse()],
    [
      "looks at one of a batch only",
      (jobs) => right(jobs).map((verdict, index) => (index === 0 ? verdict : FALSE)),
    ],
  ])("refuses one that %s", (_what, wrong) => {
    expect(selfTest(wrong, nobleCurve)).toMatch(/^the kernel's self-test/);
  });
});
