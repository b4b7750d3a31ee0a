import { createHash } from "node:crypto";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesToBig } from "../../../../base/bytes.ts";
import { leftAlignedScalar, ORDER } from "../../scalar.ts";
import { type KernelExports, KernelInstance } from "./instance.ts";

type Operation = (...addresses: number[]) => number;
const OPERATIONS = [
  ...["mul", "sqr", "mulDiff", "mulSub", "mulDiffSub", "mulDiffSubMul", "mulDiffSubSqr"],
  ...["sqrSub", "sqrSubTwice", "threeHalves", "clean", "pack", "unpack", "unpackSigned", "invert"],
  ...["double", "addAffine", "queueSum", "addQueued", "challengeOf", "combDigits", "permute"],
] as const;
type Name = (typeof OPERATIONS)[number];

const kernel = new KernelInstance<KernelExports & Record<Name, Operation>>(2 ** 21);
const { exports, bytes } = kernel;
const limbs = new Int32Array(bytes.buffer);

const P = 2n ** 256n - 2n ** 32n - 977n;
const mod = (value: bigint, modulus = P): bigint => ((value % modulus) + modulus) % modulus;
/** Room for operands: above the kernel's own data. */
const at = (index: number): number => exports.free() + 128 * index;

/** Limbs at the very ends of what is called weak, too. */
const weakLimb = fc.oneof(
  fc.constantFrom(-(2 ** 29), 2 ** 29 + 2 ** 21, 2 ** 29 - 1, 0, 1, -1),
  fc.integer({ min: -(2 ** 29), max: 2 ** 29 + 2 ** 21 }),
);
const allAlike = weakLimb.map((limb) => Array.from({ length: 9 }, () => limb));
const weak = fc.oneof(fc.array(weakLimb, { minLength: 9, maxLength: 9 }), allAlike);
/** Values for which the last steps of a reduction matter. */
const edge = fc
  .tuple(fc.constantFrom(0n, P, 2n * P, -P, 2n ** 256n, 2n ** 261n), fc.integer({ min: -3, max: 3 }))
  .map(([near, step]) => limbsOf(near + BigInt(step)));
const elements = fc.oneof(weak, weak, edge);

function limbsOf(value: bigint): number[] {
  return Array.from({ length: 9 }, (_, index) => {
    const rest = value >> BigInt(29 * index);
    return Number(index < 8 ? BigInt.asUintN(29, rest) : rest);
  });
}
const integerOf = (list: readonly number[]): bigint =>
  list.reduce((sum, limb, index) => sum + (BigInt(limb) << BigInt(29 * index)), 0n);
const write = (address: number, list: readonly number[]): void => limbs.set(list, address >> 2);
const read = (address: number): number[] => [...limbs.subarray(address >> 2, (address >> 2) + 9)];
const readWords = (address: number): bigint =>
  bytesToBig(Uint8Array.from(bytes.subarray(address, address + 32)).reverse());
const writeWords = (address: number, value: bigint): void => {
  for (let index = 0; index < 32; index++)
    bytes[address + index] = Number((value >> BigInt(8 * index)) & 255n);
};

describe("field", () => {
  const half = (P + 1n) / 2n;
  const products: [Name, number, (...operands: bigint[]) => bigint][] = [
    ["mul", 2, (a = 0n, b = 0n) => a * b],
    ["sqr", 1, (a = 0n) => a * a],
    ["mulDiff", 3, (a = 0n, b = 0n, c = 0n) => a * (b - c)],
    ["mulSub", 3, (a = 0n, b = 0n, c = 0n) => a * b - c],
    ["mulDiffSub", 4, (a = 0n, b = 0n, c = 0n, d = 0n) => a * (b - c) - d],
    ["mulDiffSubMul", 5, (a = 0n, b = 0n, c = 0n, d = 0n, e = 0n) => a * (b - c) - d * e],
    ["mulDiffSubSqr", 4, (a = 0n, b = 0n, c = 0n, d = 0n) => a * (b - c) - d * d],
    ["sqrSub", 3, (a = 0n, b = 0n, c = 0n) => a * a - b - c],
    ["sqrSubTwice", 3, (a = 0n, b = 0n, c = 0n) => a * a - b - 2n * c],
    ["threeHalves", 1, (a = 0n) => 3n * a * half],
  ];

  test.each(products)("%s is right for all weak limbs, and its result is weak", (name, arity, meaning) => {
    fc.assert(
      fc.property(fc.array(elements, { minLength: arity, maxLength: arity }), (operands) => {
        for (const [index, operand] of operands.entries()) write(at(index + 1), operand);
        exports[name](at(0), ...operands.map((_, index) => at(index + 1)));
        const result = read(at(0));
        expect(mod(integerOf(result))).toBe(mod(meaning(...operands.map(integerOf))));
        const top = name === "threeHalves" ? 3 * 2 ** 28 + 2 ** 24 : 2 ** 29 + 2 ** 21;
        for (const limb of result) expect(limb).toSatisfy((value: number) => value >= -top && value <= top);
        // in place, too
        exports[name](at(1), ...operands.map((_, index) => at(index + 1)));
        expect(read(at(1))).toEqual(result);
      }),
      { numRuns: 400 },
    );
  });

  test("threeHalves' larger top limb is no harm where it is used", () => {
    fc.assert(
      fc.property(elements, elements, elements, elements, (a, b, c, d) => {
        for (const [index, operand] of [a, b, c, d].entries()) write(at(index + 1), operand);
        exports.threeHalves(at(1), at(1));
        exports.mulDiffSubSqr(at(0), at(1), at(2), at(3), at(4));
        const value = 3n * integerOf(a) * half * (integerOf(b) - integerOf(c)) - integerOf(d) ** 2n;
        expect(mod(integerOf(read(at(0))))).toBe(mod(value));
      }),
      { numRuns: 400 },
    );
  });

  test("clean gives the one value below p", () => {
    fc.assert(
      fc.property(elements, (a) => {
        write(at(1), a);
        exports.clean(at(0), at(1));
        expect(read(at(0))).toEqual(limbsOf(mod(integerOf(a))));
        exports.pack(at(2), at(0));
        expect(readWords(at(2))).toBe(mod(integerOf(a)));
        exports.unpack(at(3), at(2));
        expect(read(at(3))).toEqual(read(at(0)));
        exports.unpackSigned(at(3), at(2), -1);
        expect(integerOf(read(at(3)))).toBe(-mod(integerOf(a)));
      }),
      { numRuns: 1000 },
    );
  });

  test("an inverse is one, and 0 has none", () => {
    fc.assert(
      fc.property(elements, (a) => {
        write(at(1), a);
        const has = exports.invert(at(0), at(1));
        expect(has).toBe(mod(integerOf(a)) === 0n ? 0 : 1);
        if (has === 0) return;
        expect(mod(integerOf(read(at(0))) * integerOf(a))).toBe(1n);
        for (const limb of read(at(0))) expect(Math.abs(limb)).toBeLessThanOrEqual(2 ** 29);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("points", () => {
  const scalars = fc.oneof(
    fc.bigInt({ min: 1n, max: 20n }),
    fc.bigInt({ min: 1n, max: 20n }).map((small) => ORDER - small),
    fc.constantFrom((ORDER + 1n) / 2n, (ORDER - 1n) / 2n, 2n ** 128n, 2n ** 255n),
    fc.bigInt({ min: 1n, max: ORDER - 1n }),
  );
  const pointOf = (scalar: bigint) => secp256k1.Point.BASE.multiply(scalar);
  const writePoint = (address: number, scalar: bigint): void => {
    const { x, y } = pointOf(scalar).toAffine();
    write(address, limbsOf(x));
    write(address + 40, limbsOf(y));
    write(address + 80, limbsOf(1n));
  };
  const affine = (address: number): [bigint, bigint] => [
    integerOf(read(address)),
    integerOf(read(address + 40)),
  ];
  const jacobian = (address: number): [bigint, bigint] => {
    exports.invert(at(30), address + 80);
    const inverse = integerOf(read(at(30)));
    const [x, y] = affine(address);
    return [mod(x * inverse ** 2n), mod(y * inverse ** 3n)];
  };
  const expected = (scalar: bigint): [bigint, bigint] => {
    const { x, y } = pointOf(scalar).toAffine();
    return [x, y];
  };

  test("doubled and added in Jacobian coordinates they are right, or have Z = 0", () => {
    fc.assert(
      fc.property(scalars, scalars, (a, b) => {
        writePoint(at(1), a);
        writePoint(at(3), b);
        exports.double(at(5), at(1));
        expect(jacobian(at(5))).toEqual(expected(mod(2n * a, ORDER)));
        exports.double(at(5), at(5));
        exports.addAffine(at(5), at(3));
        const sum = mod(4n * a + b, ORDER);
        const isSpecial = sum === 0n || b === mod(4n * a, ORDER);
        if (isSpecial) expect(mod(integerOf(read(at(5) + 80)))).toBe(0n);
        else expect(jacobian(at(5))).toEqual(expected(sum));
      }),
      { numRuns: 200 },
    );
  });

  test("added in pairs they are right, and terms with one x mark their own job only", () => {
    const pair = fc.tuple(scalars, scalars);
    fc.assert(
      fc.property(fc.array(pair, { minLength: 1, maxLength: 12 }), (pairs) => {
        const place = (index: number) => at(40 + 4 * index);
        const job = (index: number) => exports.jobs() + 128 * index;
        const status = (index: number) => (job(index) + 72) >> 2;
        for (const [index, [a, b]] of pairs.entries()) {
          kernel.words[status(index)] = 0;
          writePoint(place(index), a);
          writePoint(place(index) + 128, b);
          exports.queueSum(place(index), place(index) + 128, place(index), job(index));
        }
        exports.addQueued();
        for (const [index, [a, b]] of pairs.entries()) {
          const isSpecial = a === b || a + b === ORDER;
          expect(kernel.words[status(index)]).toBe(isSpecial ? 2 : 0);
          if (!isSpecial)
            expect(affine(place(index)).map((each) => mod(each))).toEqual(expected(mod(a + b, ORDER)));
        }
      }),
      { numRuns: 60 },
    );
  });

  test.each([4, 8, 16])("every entry of a table of %i teeth is the sum that its index says", (teeth) => {
    const secret = 0x1234567890abcdefn ** 4n % ORDER;
    const { x, y } = pointOf(secret).toAffine();
    const big = new KernelInstance(2 ** 25);
    const table = big.exports.free();
    const half = 2 ** (teeth - 1);
    const work = table + (64 * half * 32) / teeth;
    expect(big.reach(work + (80 * half * 32) / teeth)).toBe(true);
    const given = Buffer.from(x.toString(16).padStart(64, "0") + y.toString(16).padStart(64, "0"), "hex");
    big.bytes.set(given, big.exports.exchange());
    big.exports.build(table + teeth, work);
    const wordsAt = (address: number) =>
      bytesToBig(Uint8Array.from(big.bytes.subarray(address, address + 32)).reverse());
    const few = [0, 1, 2, 0x1234, 0x7ffe, 0x7fff];
    const indices = teeth === 16 ? few : Array.from({ length: half }, (_, index) => index);
    for (let block = 0; block < 32 / teeth; block++)
      for (const index of indices) {
        const entry = table + 64 * (block * half + index);
        const scalar = signedTeeth(index + half, teeth) << BigInt(8 * block * teeth);
        expect([wordsAt(entry), wordsAt(entry + 32)]).toEqual(expected(mod(scalar * secret, ORDER)));
      }
  });

  /** Sum of ±2^(8t), + where bit t of the index is set. */
  const signedTeeth = (index: number, teeth: number): bigint =>
    Array.from(
      { length: teeth },
      (_, tooth) => ((index >> tooth) & 1 ? 1n : -1n) << BigInt(8 * tooth),
    ).reduce((sum, term) => sum + term);
});

describe("scalars", () => {
  const scalars = fc.oneof(
    fc.constantFrom(0n, 1n, 2n, ORDER - 1n, ORDER - 2n, 2n ** 255n, 2n ** 128n, 2n ** 256n - ORDER),
    fc.bigInt({ min: 0n, max: ORDER - 1n }),
  );

  test("the digits of a scalar add up to it", () => {
    fc.assert(
      fc.property(scalars, (scalar) => {
        writeWords(at(1), scalar);
        exports.combDigits(at(0), at(1));
        let sum = 0n;
        for (let bit = 0; bit < 256; bit++) {
          // bit 8·t + j of word w is bit t of byte j there
          const [word, tooth, position] = [bit >> 6, (bit >> 3) & 7, bit & 7];
          const isPlus = ((bytes[at(0) + 8 * word + position] ?? 0) >> tooth) & 1;
          sum += (isPlus ? 1n : -1n) << BigInt(bit);
        }
        expect(mod(sum, ORDER)).toBe(scalar);
      }),
      { numRuns: 1000 },
    );
  });

  test("a hash becomes the chain's challenge, left-aligned where it is short", () => {
    const hashes = fc.oneof(
      fc.uint8Array({ minLength: 64, maxLength: 64 }),
      fc
        .tuple(fc.bigInt({ min: 0n, max: 2n ** 250n }), fc.bigInt({ min: 0n, max: 2n ** 255n }))
        .map(([small, factor]) => (small % 2n ** (factor % 256n)) + factor * ORDER)
        .map((value) => Uint8Array.from(Buffer.from(value.toString(16).padStart(128, "0"), "hex"))),
      fc.constantFrom(0, 255).map((byte) => new Uint8Array(64).fill(byte)),
    );
    fc.assert(
      fc.property(hashes, (hash) => {
        bytes.set(hash, at(1));
        exports.challengeOf(at(0), at(1));
        expect(readWords(at(0))).toBe(bytesToBig(leftAlignedScalar(bytesToBig(hash) % ORDER)));
      }),
      { numRuns: 1000 },
    );
  });
});

test("the permutation of the challenge is the one of SHA-3", () => {
  // The hash of nothing is one block of padding.
  const state = at(1);
  bytes.fill(0, state, state + 200);
  bytes[state] = 6;
  bytes[state + 71] = 0x80;
  exports.permute(state);
  const digest = createHash("sha3-512").digest("hex");
  expect(Buffer.from(bytes.subarray(state, state + 64)).toString("hex")).toBe(digest);
});
