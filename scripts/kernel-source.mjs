/**
 * Writes the two parts of the verification kernel that are loops unrolled by hand would be: products of field elements and the
 * rounds of SHA-3. AssemblyScript does not unroll, and an array in memory costs more than the arithmetic.
 * `node scripts/kernel-source.mjs` prints both.
 *
 * Field elements. p = 2^256 − 2^32 − 977. A number is the sum of l_i · 2^(29·i), nine limbs l_0…l_8, each a signed 32-bit integer in
 * memory and a 64-bit one in arithmetic. "Weak" limbs are between −2^29 and 2^29 + 2^21, so that
 *   - a difference of two is below 2^30 + 2^22 in size,
 *   - nine products of a difference and a weak limb add up to less than 2^62.3, and two such sums fit into 64 signed bits.
 * Operands called "difference" below are subtracted limb by limb as they are loaded, with no carry, which this leaves room for.
 */
import { pathToFileURL } from "node:url";

const LIMBS = 9;
const LIMB_BITS = 29;
const MASK = "0x1fffffff";
/** 2^261 = 2^5 · 2^256 = 2^5 · (2^32 + 977) = 31264 + 2^8 · 2^29 modulo p: what a carry out of limb 8 comes back as. */
const FOLD_LOW = 31264;
const FOLD_SHIFT = 8;

const count = (length) => Array.from({ length }, (_, index) => index);
const limbOf = (pointer, index) => `load<i32>(${pointer}, ${4 * index})`;

/** Loads an operand, a pointer or a difference of two pointers, into nine locals. */
function loadOperand(name, operand) {
  return count(LIMBS).map((i) => {
    const limb = Array.isArray(operand)
      ? `${limbOf(operand[0], i)} - ${limbOf(operand[1], i)}`
      : limbOf(operand, i);
    return `  const ${name}${i} = <i64>(${limb});`;
  });
}

/** Column k of a product holds all a_i · b_j with i + j = k. */
function productColumn(k, left, right, sign) {
  const pairs = count(LIMBS).filter((i) => k - i >= 0 && k - i < LIMBS);
  return pairs.map((i) => `${sign} ${left}${i} * ${right}${k - i}`).join(" ");
}

/** The same of a square: each mixed product is there twice, so one operand is doubled (locals `<name>d<i>`). */
function squareColumn(k, name, sign) {
  const pairs = count(LIMBS).filter((i) => k - i >= i && k - i < LIMBS);
  return pairs.map((i) => `${sign} ${name}${i} * ${i === k - i ? name : `${name}d`}${k - i}`).join(" ");
}

/**
 * Brings 17 columns down to nine weak limbs. Shifts are arithmetic and masks take the rest, so carries round down and work for
 * negative columns, too. First the upper columns, into clean limbs h_i; then the lower ones, each with its share of the h_i; what is
 * carried out of limb 8 then is below 2^42 and comes back through limbs 0 and 1, which leaves limb 2 below 2^29 + 2^21.
 */
function reduced(column, minus) {
  const taken = (k) => minus.map(([pointer, times]) => ` - ${times} * <i64>${limbOf(pointer, k)}`).join("");
  const upper = [`  let t = ${column(LIMBS)};`];
  for (let k = LIMBS; k < 2 * LIMBS - 1; k++) {
    upper.push(`  const h${k - LIMBS} = t & ${MASK};`);
    upper.push(`  t = (t >> ${LIMB_BITS})${k + 1 < 2 * LIMBS - 1 ? ` + (${column(k + 1)})` : ""};`);
  }
  upper.push("  const h8 = t;");
  const lower = [];
  for (let k = 0; k < LIMBS; k++) {
    const carried = k === 0 ? "" : `(t >> ${LIMB_BITS}) + (h${k - 1} << ${FOLD_SHIFT}) + `;
    lower.push(`  t = ${carried}(${column(k)}) + ${FOLD_LOW} * h${k}${taken(k)};`);
    lower.push(`  ${k < 2 ? "let" : "const"} r${k} = t & ${MASK};`);
  }
  return [
    ...upper,
    ...lower,
    `  t = (t >> ${LIMB_BITS}) + (h8 << ${FOLD_SHIFT});`,
    `  r0 += t * ${FOLD_LOW};`,
    `  r1 += (t << ${FOLD_SHIFT}) + (r0 >> ${LIMB_BITS});`,
    `  store<i32>(out, <i32>(r0 & ${MASK}));`,
    `  store<i32>(out, <i32>(r1 & ${MASK}), 4);`,
    `  store<i32>(out, <i32>(r2 + (r1 >> ${LIMB_BITS})), 8);`,
    ...count(LIMBS)
      .slice(3)
      .map((k) => `  store<i32>(out, <i32>r${k}, ${4 * k});`),
  ];
}

/**
 * One function: the terms are products and squares of operands, added or taken away, and `minus` lists what is subtracted before the
 * one reduction. `out` may be any of the operands: everything is loaded before anything is stored.
 */
function operation(name, meaning, parameters, terms, minus = []) {
  const loads = [];
  const columns = terms.map(({ left, right, sign = "+" }, index) => {
    const [a, b] = [`a${index}_`, `b${index}_`];
    loads.push(...loadOperand(a, left));
    if (right !== undefined) {
      loads.push(...loadOperand(b, right));
      return (k) => productColumn(k, a, b, sign);
    }
    for (const i of count(LIMBS).slice(1)) loads.push(`  const ${a}d${i} = ${a}${i} << 1;`);
    return (k) => squareColumn(k, a, sign);
  });
  const column = (k) =>
    columns
      .map((of) => of(k))
      .join(" ")
      .replace(/^\+ /, "");
  return [
    `/** out = ${meaning}, weak. */`,
    `export function ${name}(out: usize, ${parameters.map((each) => `${each}: usize`).join(", ")}): void {`,
    ...loads,
    ...reduced(column, minus),
    "}",
  ].join("\n");
}

function products() {
  const byDifference = { left: "a", right: ["b", "c"] };
  return [
    operation("mul", "a·b", ["a", "b"], [{ left: "a", right: "b" }]),
    operation("sqr", "a²", ["a"], [{ left: "a" }]),
    operation("mulDiff", "a·(b − c)", ["a", "b", "c"], [byDifference]),
    operation("mulSub", "a·b − c", ["a", "b", "c"], [{ left: "a", right: "b" }], [["c", 1]]),
    operation("mulDiffSub", "a·(b − c) − d", ["a", "b", "c", "d"], [byDifference], [["d", 1]]),
    operation(
      "mulDiffSubMul",
      "a·(b − c) − d·e",
      ["a", "b", "c", "d", "e"],
      [byDifference, { left: "d", right: "e", sign: "-" }],
    ),
    operation(
      "mulDiffSubSqr",
      "a·(b − c) − d²",
      ["a", "b", "c", "d"],
      [byDifference, { left: "d", sign: "-" }],
    ),
    operation(
      "sqrSub",
      "a² − b − c",
      ["a", "b", "c"],
      [{ left: "a" }],
      [
        ["b", 1],
        ["c", 1],
      ],
    ),
    operation(
      "sqrSubTwice",
      "a² − b − 2·c",
      ["a", "b", "c"],
      [{ left: "a" }],
      [
        ["b", 1],
        ["c", 2],
      ],
    ),
  ];
}

/** Limbs of a 256-bit little-endian number: limb i is its bits from 29·i on, read from the byte that they begin in. */
function unpack() {
  const limb = (i) => {
    const [byte, shift] = [(LIMB_BITS * i) >> 3, (LIMB_BITS * i) & 7];
    if (i === LIMBS - 1) return "load<u32>(from, 28) >>> 8";
    if (shift + LIMB_BITS <= 32) return `(load<u32>(from, ${byte}) >>> ${shift}) & ${MASK}`;
    return `<u32>(load<u64>(from, ${byte}) >>> ${shift}) & ${MASK}`;
  };
  const lines = (change) => count(LIMBS).map((i) => `  store<u32>(out, ${change(limb(i))}, ${4 * i});`);
  return [
    "/** Limbs of 32 little-endian bytes. */",
    "export function unpack(out: usize, from: usize): void {",
    ...lines((text) => text),
    "}",
    "/** The same, negated if `sign` is −1; it is 0 otherwise. */",
    "export function unpackSigned(out: usize, from: usize, sign: u32): void {",
    ...lines((text) => `((${text}) ^ sign) - sign`),
    "}",
  ].join("\n");
}

/**
 * The one representative below p. A weak value is below 2^262 in size: what it has above bit 256 is a few bits, and comes back at the
 * bottom, as 2^256 = 8·2^29 + 977. If the top limb then is from 0 to 2^24 − 2, that was it. Else, once in millions, `settle` goes on.
 */
function clean() {
  const pass = (from, to, low, next) =>
    count(LIMBS).flatMap((i) => {
      const extra = [low, next][i] ?? "";
      const carried = i === 0 ? "" : `(t >> ${LIMB_BITS}) + `;
      const sum = `${carried}${from(i)}${extra}`;
      return i === LIMBS - 1
        ? [`  let ${to}${i} = ${sum};`]
        : [`  t = ${sum};`, `  const ${to}${i} = t & ${MASK};`];
    });
  return [
    'import { settle } from "./field";',
    "/** out = a, below p, with clean limbs: 0 ≤ l_i < 2^29, l_8 < 2^24. */",
    "export function clean(out: usize, a: usize): void {",
    "  let t: i64;",
    ...pass((i) => `<i64>${limbOf("a", i)}`, "b", "", ""),
    "  const over = b8 >> 24;",
    "  b8 &= 0xffffff;",
    ...pass((i) => `b${i}`, "c", " + over * 977", " + (over << 3)"),
    ...count(LIMBS).map((i) => `  store<i32>(out, <i32>c${i}, ${4 * i});`),
    "  if (<u64>c8 >= 0xffffff) settle(out);",
    "}",
  ].join("\n");
}

/** Four 64-bit words. */
function pack() {
  const word = (w) =>
    count(LIMBS)
      .map((i) => [`load<u32>(a, ${4 * i})`, LIMB_BITS * i - 64 * w])
      .filter(([, shift]) => shift > -LIMB_BITS && shift < 64)
      .map(([limb, shift]) => (shift < 0 ? `(<u64>${limb} >>> ${-shift})` : `(<u64>${limb} << ${shift})`))
      .join(" | ");
  return [
    "/** 32 little-endian bytes of clean limbs. */",
    "export function pack(out: usize, a: usize): void {",
    ...count(4).map((w) => `  const w${w} = ${word(w)};`),
    ...count(4).map((w) => `  store<u64>(out, w${w}, ${8 * w});`),
    "}",
  ].join("\n");
}

/** Field arithmetic as AssemblyScript. */
export const fieldSource = () => [...products(), unpack(), clean(), pack(), ""].join("\n\n");

/** Round constants of Keccak-f[1600]: bit 2^j − 1 of constant i is output 7·i + j of the shift register of FIPS 202, 3.2.5. */
function roundConstants() {
  const bits = [];
  let register = 1;
  for (let step = 0; step < 255; step++) {
    bits.push(register & 1);
    register <<= 1;
    if (register & 0x100) register ^= 0x171;
  }
  return count(24).map((round) => {
    let constant = 0n;
    for (const j of count(7)) if (bits[(7 * round + j) % 255]) constant |= 1n << ((1n << BigInt(j)) - 1n);
    return constant;
  });
}

/** Rotation of each lane (x, y), at index x + 5·y: FIPS 202, 3.2.2. */
function rotations() {
  const offsets = Array(25).fill(0);
  let [x, y] = [1, 0];
  for (let t = 0; t < 24; t++) {
    offsets[x + 5 * y] = (((t + 1) * (t + 2)) / 2) % 64;
    [x, y] = [y, (2 * x + 3 * y) % 5];
  }
  return offsets;
}

/** Keccak-f[1600] on 25 lanes in memory; the 25 lanes are locals in between, and a round is straight code. */
export function keccakSource() {
  const offsets = rotations();
  const lanes = count(25);
  const rotated = (x, y) => {
    const from = x + 5 * y;
    return offsets[from] === 0 ? `(s${from} ^ d${x})` : `rotl<u64>(s${from} ^ d${x}, ${offsets[from]})`;
  };
  return [
    `const ROUNDS = memory.data<u64>([${roundConstants()
      .map((constant) => `0x${constant.toString(16)}`)
      .join(", ")}]);`,
    "/** Keccak-f[1600] (FIPS 202, 3.3) on the 25 lanes at `state`. */",
    "export function permute(state: usize): void {",
    ...lanes.map((i) => `  let s${i} = load<u64>(state, ${8 * i});`),
    "  for (let round: usize = 0; round < 192; round += 8) {",
    // theta
    ...count(5).map(
      (x) =>
        `    const c${x} = ${count(5)
          .map((y) => `s${x + 5 * y}`)
          .join(" ^ ")};`,
    ),
    ...count(5).map((x) => `    const d${x} = c${(x + 4) % 5} ^ rotl<u64>(c${(x + 1) % 5}, 1);`),
    // rho and pi: lane (x, y) moves to (y, 2x + 3y)
    ...count(5).flatMap((y) =>
      count(5).map((x) => `    const b${y + 5 * ((2 * x + 3 * y) % 5)} = ${rotated(x, y)};`),
    ),
    // chi
    ...count(5).flatMap((y) =>
      count(5).map((x) => {
        const [here, next, after] = [x, (x + 1) % 5, (x + 2) % 5].map((column) => `b${column + 5 * y}`);
        return `    s${x + 5 * y} = ${here} ^ (~${next} & ${after});`;
      }),
    ),
    // iota
    "    s0 ^= load<u64>(ROUNDS + round);",
    "  }",
    ...lanes.map((i) => `  store<u64>(state, s${i}, ${8 * i});`),
    "}",
    "",
  ].join("\n");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  process.stdout.write(`${fieldSource()}\n${keccakSource()}`);
