import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesToBig, concatBytes, fromHex, toHex, utf8 } from "../../../base/bytes.ts";
import { publicKeyOf } from "../ecdsa.ts";
import { nativeSecp256k1 } from "../native-secp256k1.ts";
import { ORDER, scalarBytes } from "../scalar.ts";
import { scalarFromHash } from "./challenge.ts";
import { nativeCurve } from "./curve-native.ts";
import { nobleCurve } from "./curve-noble.ts";
import { ringVerifiers } from "./curve-verifier.ts";
import { hashToCurve } from "./hash-to-curve.ts";
import { prepareRing } from "./prepare.ts";
import { signRing } from "./sign.ts";
import type { RingVerdict } from "./verifier.ts";

const curves = [nobleCurve];
if (nativeSecp256k1 !== undefined) curves.push(nativeCurve(nativeSecp256k1, nobleCurve));

const sha256 = (text: string): Uint8Array => createHash("sha256").update(utf8(text)).digest();
const secretOf = (name: string): Uint8Array =>
  scalarBytes(bytesToBig(sha256(`ts-relayminer/vector/${name}`)));
const [APP, GATEWAY, OTHER] = [secretOf("app"), secretOf("gateway"), secretOf("other")];
const [APP_KEY, GATEWAY_KEY, OTHER_KEY] = [publicKeyOf(APP), publicKeyOf(GATEWAY), publicKeyOf(OTHER)];
const RING = prepareRing([APP_KEY, GATEWAY_KEY]);
const DIGEST = sha256("a request");
const SIGNED = signRing({
  publicKeys: [APP_KEY, GATEWAY_KEY],
  signerIndex: 1,
  privateKey: GATEWAY,
  digest: DIGEST,
});
const GOOD: RingVerdict = { ok: true };

const withBytes = (bytes: Uint8Array, offset: number, part: Uint8Array): Uint8Array => {
  const changed = Uint8Array.from(bytes);
  changed.set(part, offset);
  return changed;
};
const raised = (value: bigint): Uint8Array => fromHex((value + ORDER).toString(16).padStart(64, "0"));

// relay-path A.2
test.each([
  ["hash-to-scalar/0", "b0cd9ce8775c560f1bf46cf7367b92f6dfa23ddfd440cac21d4acfd9e11d2aae"],
  ["hash-to-scalar/44", "0ac681f5e2fcef988a214c4364b19086f6cb5c7ee2c0bd56343c57e0ba5d1e00"],
  ["hash-to-scalar/36192", "342bac3e24efd817f8ab3303f8d39b947b43bdcadd5184be56b3dae962a50000"],
  ["pocket", "43913f269ab77ad581e23102878c906eacd55fd9e973714f0ebbe9b55ad56fef"],
])("the challenge scalar of %s is aligned as the chain aligns it", (text, scalar) => {
  expect(toHex(scalarFromHash(utf8(text)))).toBe(scalar);
});

describe.each(curves)("$name", (curve) => {
  const { onChain, atDoor } = ringVerifiers(curve);
  const both = (signature: Uint8Array, digest = DIGEST, ring = RING) => [
    onChain(ring, digest, signature).ok,
    atDoor(ring, digest, signature).ok,
  ];

  test("signs the reference's bytes when it draws the same numbers (relay-path A.4)", () => {
    const draws = ["u", "s0"].map((text) => scalarBytes(bytesToBig(sha256(text))));
    const digest = fromHex("5a83da7ff66df1a74d9cb7ab3742e870b1735cdfdc46fedbbebd12a400e5b713");
    const signature = signRing(
      {
        publicKeys: [APP_KEY, GATEWAY_KEY],
        signerIndex: 1,
        privateKey: GATEWAY,
        digest,
        random: () => draws.shift() ?? new Uint8Array(32),
      },
      curve,
    );
    expect(toHex(signature)).toBe(
      "0000000255d86cd704930677ea5783eab1c0b46cb47d6dc3c0a370522adc8240f634d4190221f6ec1e5e8286487d488aee0a364df9d988a8f6aa404ceb703565987316954dec18eac8d758b1eba52d3c10d39adc6dd9806472cb4ae069635d383d9086a51302309a613c50df652801f4a3521e364e47e79d3891eeb1a6c2396467368f1a20ab711a8a0653cf030d2ab9a70463087714859724e4680941ef21db3e47f7d9c06b02be05322c6d5ec6b401b7979f2693e4666c95de8d134b9f1602e328b547d35f96",
    );
    expect(atDoor(RING, digest, signature)).toEqual(GOOD);
  });

  test("refuses what a signer without the alignment made (relay-path A.5)", () => {
    const digest = fromHex("ad1d6d257c453660fd7a5bd1e088c742c8e038681fd205ca8905c17d66465aff");
    const signature = fromHex(
      "0000000200aac0d0cb61fcb40955a7d7abe67d4133c237b925258761241827cfd10a52f20221f6ec1e5e8286487d488aee0a364df9d988a8f6aa404ceb703565987316954d4b1ba41f7b6986ee27c6abf2f3e6c4498146b7c2aef44afb00aeb903f75c055b02309a613c50df652801f4a3521e364e47e79d3891eeb1a6c2396467368f1a20abd9a36a48738f33d71c52cdae8005d940466cb6294d4d472a319f7dee726eb7a102be05322c6d5ec6b401b7979f2693e4666c95de8d134b9f1602e328b547d35f96",
    );
    expect(onChain(RING, digest, signature)).toEqual({ ok: false, reason: "does_not_verify" });
    expect(atDoor(RING, digest, signature)).toEqual({ ok: false, reason: "does_not_verify" });
  });

  test("any order, repeats and parts of the ring may sign, strangers may not", () => {
    const sign = (publicKeys: Uint8Array[], signerIndex: number, privateKey: Uint8Array) =>
      signRing({ publicKeys, signerIndex, privateKey, digest: DIGEST }, curve);
    expect(both(sign([GATEWAY_KEY, APP_KEY], 1, APP))).toEqual([true, true]);
    expect(both(sign([APP_KEY, APP_KEY], 0, APP))).toEqual([true, true]);
    expect(both(sign([APP_KEY, APP_KEY], 1, APP))).toEqual([true, true]);
    expect(both(sign([APP_KEY], 0, APP))).toEqual([true, true]);
    expect(both(sign([APP_KEY, GATEWAY_KEY, APP_KEY, GATEWAY_KEY], 3, GATEWAY))).toEqual([true, true]);
    const foreign = sign([APP_KEY, OTHER_KEY], 1, OTHER);
    expect(onChain(RING, DIGEST, foreign)).toEqual({ ok: false, reason: "not_a_member" });
    expect(atDoor(RING, DIGEST, foreign)).toEqual({ ok: false, reason: "not_a_member" });
  });

  test("the door takes the one canonical encoding, the chain takes the others too", () => {
    expect(both(SIGNED)).toEqual([true, true]);
    expect(both(concatBytes(SIGNED, Uint8Array.of(0)))).toEqual([true, false]);
    const smallest = smallScalarSignature();
    expect(both(smallest)).toEqual([true, true]);
    expect(both(withBytes(smallest, 69, raised(3n)))).toEqual([true, false]);
  });

  function smallScalarSignature(): Uint8Array {
    const draws = [sha256("nonce"), scalarBytes(3n)];
    const random = () => draws.shift() ?? new Uint8Array(32);
    const publicKeys = [APP_KEY, GATEWAY_KEY];
    return signRing({ publicKeys, signerIndex: 1, privateKey: GATEWAY, digest: DIGEST, random }, curve);
  }

  test("no more members than twice the ring at the door, none at all is refused everywhere", () => {
    const five = [APP_KEY, APP_KEY, APP_KEY, APP_KEY, APP_KEY];
    const long = signRing({ publicKeys: five, signerIndex: 2, privateKey: APP, digest: DIGEST }, curve);
    expect(onChain(RING, DIGEST, long)).toEqual(GOOD);
    expect(atDoor(RING, DIGEST, long)).toEqual({ ok: false, reason: "too_many_members" });
    expect(both(new Uint8Array(69))).toEqual([false, false]);
  });

  test("hostile bytes are refused, never thrown at", () => {
    const claimsMany = fc
      .tuple(fc.constantFrom(0, 1, 2, 3, 0xffffffff), fc.uint8Array({ maxLength: 300 }))
      .map(([count, rest]) =>
        concatBytes(Uint8Array.of(count >>> 24, count >>> 16, count >>> 8, count), rest),
      );
    const digests = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(fc.oneof(claimsMany, fc.uint8Array({ maxLength: 300 })), digests, (bytes, digest) => {
        expect(both(bytes, digest)).toEqual([false, false]);
      }),
      { numRuns: 300 },
    );
  });

  test("no changed byte of a signature is accepted", () => {
    const changes = fc.tuple(fc.nat(SIGNED.length - 1), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(changes, ([offset, flip]) => {
        const bytes = withBytes(SIGNED, offset, Uint8Array.of((SIGNED[offset] ?? 0) ^ flip));
        expect(both(bytes)).toEqual([false, false]);
      }),
      { numRuns: 60 },
    );
    fc.assert(
      fc.property(fc.nat(SIGNED.length - 1), (length) => {
        expect(both(SIGNED.subarray(0, length))).toEqual([false, false]);
      }),
    );
  });

  test("scalars that bring every sum to infinity are refused, not thrown at", () => {
    const zeros = new Uint8Array(32);
    const allZero = [4, 69, 134].reduce((bytes, offset) => withBytes(bytes, offset, zeros), SIGNED);
    expect(both(allZero)).toEqual([false, false]);
    // With I = −(s/c)·H_p and s = c the sum s·H_p + c·I is infinity.
    const scalar = scalarBytes(9n);
    const opposite = opposed(hashToCurve(APP_KEY, curve));
    const cancelling = withBytes(withBytes(withBytes(SIGNED, 4, scalar), 69, scalar), 36, opposite);
    expect(both(cancelling)).toEqual([false, false]);
  });
});

const opposed = (point: Uint8Array): Uint8Array =>
  concatBytes(Uint8Array.of((point.at(-1) ?? 0) % 2 === 0 ? 3 : 2), point.subarray(1, 33));

test.skipIf(curves.length < 2)("both curves give every changed signature the same verdict", () => {
  const [slow, fast] = curves.map((curve) => ringVerifiers(curve).onChain);
  const offsets = fc.constantFrom(4, 36, 37, 69, 101, 102, 134, 166, 167);
  const parts = fc.oneof(
    fc
      .constantFrom(0n, 1n, 2n, ORDER - 1n, ORDER)
      .map((value) => fromHex(value.toString(16).padStart(64, "0"))),
    fc.constantFrom(APP_KEY, GATEWAY_KEY, OTHER_KEY),
    fc.uint8Array({ minLength: 32, maxLength: 32 }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(offsets, parts), { minLength: 1, maxLength: 4 }), (changes) => {
      let bytes = concatBytes(SIGNED, new Uint8Array(33));
      for (const [offset, part] of changes) bytes = withBytes(bytes, offset, part);
      expect(fast?.(RING, DIGEST, bytes)).toEqual(slow?.(RING, DIGEST, bytes));
    }),
    { numRuns: 150 },
  );
});

describe("signing", () => {
  const base = { publicKeys: [APP_KEY, GATEWAY_KEY], signerIndex: 0, privateKey: APP, digest: DIGEST };

  test("every signature is new, with the signer's one key image", () => {
    const [first, second] = [signRing(base), signRing(base)];
    expect(toHex(first)).not.toBe(toHex(second));
    expect(toHex(first.subarray(36, 69))).toBe(toHex(second.subarray(36, 69)));
  });

  test("a ring prepared before does as well, and must hold the keys", () => {
    const { atDoor } = ringVerifiers(nobleCurve);
    const signature = signRing({ ...base, ring: RING });
    expect(atDoor(RING, DIGEST, signature)).toEqual(GOOD);
    const lacking = { ...base, publicKeys: [APP_KEY, OTHER_KEY], ring: RING };
    expect(() => signRing(lacking)).toThrow(expect.objectContaining({ code: "BAD_RING_KEY" }));
  });

  test.each([
    ["BAD_RING_SIGNER", { ...base, privateKey: GATEWAY }],
    ["BAD_RING_SIGNER", { ...base, signerIndex: 2 }],
    ["BAD_RING_SIGNER", { ...base, publicKeys: [] }],
    ["BAD_DIGEST", { ...base, digest: new Uint8Array(31) }],
    ["BAD_RING_KEY", { ...base, publicKeys: [APP_KEY, new Uint8Array(33)] }],
    ["BAD_RANDOM", { ...base, random: (length: number) => new Uint8Array(length) }],
    ["KEYS_INVALID", { ...base, privateKey: new Uint8Array(32) }],
  ])("%s", (code, signing) => {
    expect(() => signRing(signing)).toThrow(expect.objectContaining({ code }));
  });
});
