import fc from "fast-check";
import { expect, test } from "vitest";
import { rotatedSignature } from "../../../../test/kit/rotated.ts";
import { sha256 } from "../../../base/sha256.ts";
import { publicKeyOf } from "../ecdsa.ts";
import { signatureIdentity } from "./identity.ts";
import { prepareRing } from "./prepare.ts";
import { signRing } from "./sign.ts";
import { verifyRingOnChain } from "./verify.ts";

const privateKeys = [1, 2, 3, 4].map((seed) => sha256(Uint8Array.of(seed)));
const digest = sha256(Uint8Array.of(9));
const signed = (members: number, signer = members - 1): Uint8Array => {
  const keys = privateKeys.slice(0, members);
  const privateKey = keys[signer] ?? new Uint8Array();
  return signRing({ publicKeys: keys.map(publicKeyOf), signerIndex: signer, privateKey, digest });
};

test.each([2, 3, 4])("a signature of %i members has one name, from whichever it is written", (members) => {
  const signature = signed(members);
  const name = signatureIdentity(digest, signature);
  expect(name).toHaveLength(32);
  const ring = prepareRing(privateKeys.map(publicKeyOf));
  let other = signature;
  for (let by = 1; by < members; by++) {
    other = rotatedSignature(digest, other);
    expect(other).not.toEqual(signature);
    expect(verifyRingOnChain(ring, digest, other).ok).toBe(true);
    expect(signatureIdentity(digest, other)).toEqual(name);
  }
});

test("another signature of the same digest, and the same signature of another digest, have names of their own", () => {
  const [first, second] = [signed(2), signed(2)];
  const names = [
    signatureIdentity(digest, first),
    signatureIdentity(digest, second),
    signatureIdentity(sha256(digest), first),
    signatureIdentity(digest, signed(2, 0)),
  ];
  expect(new Set(names.map(String)).size).toBe(4);
});

test("bytes that are no signature have no name and throw nothing", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const isWhole = bytes.length >= 134 && (bytes.length - 69) % 65 === 0;
      expect(signatureIdentity(digest, bytes) !== undefined).toBe(isWhole);
    }),
  );
});
