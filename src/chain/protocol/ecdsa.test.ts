import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesToBig, toHex } from "../../base/bytes.ts";
import {
  type Ecdsa,
  nativeEcdsa,
  nobleEcdsa,
  parsePrivateKey,
  publicKeyOf,
  signDigest,
  verifyDigest,
} from "./ecdsa.ts";
import { ORDER, scalarBytes } from "./scalar.ts";

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const privateKeys = bytes32.map((bytes) => scalarBytes((bytesToBig(bytes) % (ORDER - 1n)) + 1n));
const native = nativeEcdsa as Ecdsa;

test.skipIf(nativeEcdsa === undefined)(
  "libsecp256k1 and noble make the same keys and the same signatures",
  () => {
    fc.assert(
      fc.property(privateKeys, bytes32, (privateKey, digest) => {
        const publicKey = nobleEcdsa.publicKeyOf(privateKey);
        const signature = nobleEcdsa.signDigest(privateKey, digest);
        expect(toHex(native.publicKeyOf(privateKey))).toBe(toHex(publicKey));
        expect(toHex(native.signDigest(privateKey, digest))).toBe(toHex(signature));
        expect(native.verifyDigest(publicKey, digest, signature)).toBe(true);
        expect(nobleEcdsa.verifyDigest(publicKey, digest, signature)).toBe(true);
      }),
      { numRuns: 150 },
    );
  },
);

test("a signature holds for its digest and key, with low s only", () => {
  const privateKey = scalarBytes(7n);
  const publicKey = publicKeyOf(privateKey);
  const digest = scalarBytes(99n);
  const signature = signDigest(privateKey, digest);
  expect(verifyDigest(publicKey, digest, signature)).toBe(true);
  expect(verifyDigest(publicKey, scalarBytes(98n), signature)).toBe(false);
  expect(verifyDigest(publicKeyOf(scalarBytes(8n)), digest, signature)).toBe(false);
  const high = Uint8Array.from([
    ...signature.subarray(0, 32),
    ...scalarBytes(-bytesToBig(signature.subarray(32))),
  ]);
  expect(verifyDigest(publicKey, digest, high)).toBe(false);
});

test("verifying hostile bytes never throws", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 70 }),
      fc.uint8Array({ maxLength: 40 }),
      fc.uint8Array({ minLength: 60, maxLength: 66 }),
      (publicKey, digest, signature) => !verifyDigest(publicKey, digest, signature),
    ),
  );
  const digest = new Uint8Array(32);
  const signature = signDigest(scalarBytes(1n), digest);
  expect(verifyDigest(new Uint8Array(33), digest, signature)).toBe(false);
});

test("a key not below the order counts modulo the order; zero and the order are refused", () => {
  expect(publicKeyOf(parsePrivateKey((ORDER + 5n).toString(16)))).toEqual(publicKeyOf(scalarBytes(5n)));
  for (const text of [ORDER.toString(16), "0".repeat(64), "", "0x", `${"0".repeat(63)}g`])
    expect(() => parsePrivateKey(text)).toThrow(expect.objectContaining({ code: "KEYS_INVALID" }));
  for (const bad of [new Uint8Array(32), new Uint8Array(31)])
    expect(() => signDigest(bad, new Uint8Array(32))).toThrow(
      expect.objectContaining({ code: "KEYS_INVALID" }),
    );
  expect(() => signDigest(scalarBytes(1n), new Uint8Array(31))).toThrow(
    expect.objectContaining({ code: "BAD_DIGEST" }),
  );
});
