import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesToBig, concatBytes, toHex } from "../../base/bytes.ts";
import { checkedEcdsa, ecdsaName, parsePrivateKey, publicKeyOf, signDigest, verifyDigest } from "./ecdsa.ts";
import { bestEcdsa, type Ecdsa, loadWasmEcdsa, nativeEcdsa, nobleEcdsa } from "./ecdsa-tiers.ts";
import { ORDER, scalarBytes } from "./scalar.ts";

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const P = 2n ** 256n - 2n ** 32n - 977n;
const EDGES = [
  ...[1n, 2n, 3n, ORDER - 1n, ORDER - 2n, (ORDER - 1n) / 2n, (ORDER + 1n) / 2n, P - ORDER],
  ...[8n, 64n, 128n, 192n, 255n].flatMap((bit) => [2n ** bit, 2n ** bit - 1n, ORDER - 2n ** bit]),
].map(scalarBytes);
const scalars = fc.oneof(
  { weight: 3, arbitrary: bytes32.map((bytes) => scalarBytes((bytesToBig(bytes) % (ORDER - 1n)) + 1n)) },
  { weight: 1, arbitrary: fc.constantFrom(...EDGES) },
);
const digests = fc.oneof(scalars, fc.constant(scalarBytes(0n)));
const wasm = loadWasmEcdsa();
const faster = [nativeEcdsa, wasm].filter((tier) => tier !== undefined);

test("libsecp256k1 in WebAssembly loads wherever there is no addon", () => {
  expect(wasm?.name).toBe("wasm");
});

describe.each(faster)("$name and noble", (tier) => {
  const [theirs, ours] = [checkedEcdsa(nobleEcdsa), checkedEcdsa(tier)];
  const same = (privateKey: Uint8Array, digest: Uint8Array): Uint8Array => {
    const publicKey = theirs.publicKeyOf(privateKey);
    const signature = theirs.signDigest(privateKey, digest);
    expect(toHex(ours.publicKeyOf(privateKey))).toBe(toHex(publicKey));
    expect(toHex(ours.signDigest(privateKey, digest))).toBe(toHex(signature));
    for (const each of [ours, theirs]) expect(each.verifyDigest(publicKey, digest, signature)).toBe(true);
    return signature;
  };

  test("make the same keys and the same signatures, and take each other's", () => {
    fc.assert(
      fc.property(scalars, digests, (privateKey, digest) => void same(privateKey, digest)),
      { numRuns: 100 },
    );
  });

  test("do so for every key at an edge", () => {
    for (const privateKey of EDGES) for (const digest of EDGES.slice(0, 4)) same(privateKey, digest);
  });

  test("refuse a high s, even where nobody looked at it before", () => {
    for (const privateKey of EDGES.slice(0, 6)) {
      const digest = scalarBytes(77n);
      const low = same(privateKey, digest);
      const high = concatBytes(low.subarray(0, 32), scalarBytes(-bytesToBig(low.subarray(32))));
      const publicKey = theirs.publicKeyOf(privateKey);
      for (const each of [tier, nobleEcdsa, ours, theirs])
        expect(each.verifyDigest(publicKey, digest, high)).toBe(false);
    }
  });

  test("give the same verdicts on signatures of which something was changed", () => {
    const numbers = fc.oneof(
      bytes32,
      fc.constantFrom(...EDGES, scalarBytes(0n)),
      fc.constant(orderBytes(0n)),
    );
    const keys = fc.oneof(
      scalars.map(theirs.publicKeyOf),
      fc.tuple(fc.constantFrom(0, 2, 3, 4, 5, 6), bytes32).map(([head, x]) => Uint8Array.of(head, ...x)),
      fc.constantFrom(P - 1n, P, P + 1n, 0n).map((x) => concatBytes(Uint8Array.of(2), plainBytes(x))),
    );
    const put = fc.record({ r: fc.option(numbers), s: fc.option(numbers), key: fc.option(keys) });
    fc.assert(
      fc.property(
        scalars,
        digests,
        put,
        digests,
        fc.boolean(),
        (privateKey, digest, changed, other, isOther) => {
          const signature = theirs.signDigest(privateKey, digest);
          const bytes = concatBytes(
            changed.r ?? signature.subarray(0, 32),
            changed.s ?? signature.subarray(32),
          );
          const [key, signed] = [changed.key ?? theirs.publicKeyOf(privateKey), isOther ? other : digest];
          expect(ours.verifyDigest(key, signed, bytes)).toBe(theirs.verifyDigest(key, signed, bytes));
        },
      ),
      { numRuns: 200 },
    );
  });

  test("refuse the same keys and digests, in the same words", () => {
    const bad: [Uint8Array, Uint8Array][] = [
      [new Uint8Array(32), new Uint8Array(32)],
      [orderBytes(0n), new Uint8Array(32)],
      [new Uint8Array(31).fill(1), new Uint8Array(32)],
      [new Uint8Array(33).fill(1), new Uint8Array(32)],
      [scalarBytes(1n), new Uint8Array(31)],
      [scalarBytes(1n), new Uint8Array(33)],
    ];
    const outcome = (work: () => unknown): unknown => {
      try {
        return work();
      } catch (thrown) {
        return thrown;
      }
    };
    for (const [privateKey, digest] of bad) {
      const [left, right] = [ours, theirs].map((each) => outcome(() => each.signDigest(privateKey, digest)));
      expect(left).toBeInstanceOf(Error);
      expect(left).toEqual(right);
    }
    // above the order: the rest counts, for all
    for (const raised of [1n, 5n]) {
      expect(ours.publicKeyOf(orderBytes(raised))).toEqual(theirs.publicKeyOf(scalarBytes(raised)));
      expect(ours.signDigest(orderBytes(raised), scalarBytes(9n))).toEqual(
        same(scalarBytes(raised), scalarBytes(9n)),
      );
    }
  });
});

test("the addon signs where it loads, else WebAssembly, else JavaScript", () => {
  const [first, second] = [
    { ...nobleEcdsa, name: "native" },
    { ...nobleEcdsa, name: "wasm" },
  ] as [Ecdsa, Ecdsa];
  let loads = 0;
  const load = () => {
    loads++;
    return second;
  };
  expect(bestEcdsa(first, load)).toBe(first);
  expect(loads).toBe(0);
  expect(bestEcdsa(undefined, load)).toBe(second);
  expect(bestEcdsa(undefined, () => undefined)).toBe(nobleEcdsa);
  expect(ecdsaName).toBe(bestEcdsa(nativeEcdsa, loadWasmEcdsa).name);
});

const plainBytes = (value: bigint): Uint8Array =>
  Uint8Array.from(Buffer.from(value.toString(16).padStart(64, "0"), "hex"));
const orderBytes = (more: bigint): Uint8Array => plainBytes(ORDER + more);

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
