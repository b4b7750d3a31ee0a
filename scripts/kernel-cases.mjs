/**
 * Ring signatures, good, bad and contrived, for comparing the verification kernel with the slow verifier. Case i of a seed is always
 * the same, so a run can be taken up where it stopped, and a difference can be looked at again.
 *
 * `parts` are the functions to make them with: from src/ in the tests, from dist/ in fuzz-kernel.mjs.
 */
import { createHash } from "node:crypto";

/** Cases that are variants of one signature. */
const VARIANTS = 8;
const PAIR = 65;
const HEAD = 69;

/** Unpredictable to look at, the same for the same text. */
function randomness(text) {
  let counter = 0;
  let pool = Buffer.alloc(0);
  const bytes = (length) => {
    while (pool.length < length)
      pool = Buffer.concat([pool, createHash("sha256").update(`${text}/${counter++}`).digest()]);
    const taken = Uint8Array.from(pool.subarray(0, length));
    pool = pool.subarray(length);
    return taken;
  };
  const below = (bound) => Buffer.from(bytes(6)).readUIntBE(0, 6) % bound;
  return { bytes, below, one: (list) => list[below(list.length)] };
}

const bigOf = (bytes) => BigInt(`0x${Buffer.from(bytes).toString("hex") || "0"}`);

/** `caseAt(i)` is case i of a seed. */
export function kernelCases(parts, seed) {
  const world = worldOf(parts, seed);
  let held = { number: -1 };
  const caseAt = (index) => {
    const number = Math.floor(index / VARIANTS);
    if (held.number !== number) held = { number, ...original(world, number) };
    const random = randomness(`${seed}/case/${index}`);
    const bytes = Uint8Array.from(held.signature);
    const signature = index % VARIANTS === 0 ? bytes : variant(world, held, bytes, random);
    const digest = random.below(16) === 0 ? random.bytes(32) : held.digest;
    const ring = random.below(8) === 0 ? parts.prepareRing(held.publicKeys.slice(1)) : world.ring;
    return { ring: { ...ring, maxSignatureMembers: random.one([4, 8, 32]) }, digest, signature };
  };
  return { caseAt };
}

/** The keys that sign, and numbers worth trying. */
function worldOf(parts, seed) {
  const { ORDER, scalarBytes, publicKeyOf, prepareRing, curve } = parts;
  const secrets = relatedSecrets(seed, ORDER).map(scalarBytes);
  const keys = secrets.map(publicKeyOf);
  const ring = prepareRing(keys);
  // of the order, of 256 bits, of a comb's blocks
  const edges = [
    ...[0n, 1n, 2n, 3n, ORDER - 2n, ORDER - 1n, ORDER, ORDER + 1n, 2n ** 256n - 1n],
    ...[8n, 64n, 128n, 192n, 248n, 255n].flatMap((bit) => [2n ** bit, 2n ** bit - 1n, ORDER - 2n ** bit]),
  ].map((value) => Uint8Array.from(Buffer.from(value.toString(16).padStart(64, "0"), "hex")));
  const memberOf = (key) => ring.members.find((each) => Buffer.compare(each.publicKey, key) === 0);
  const multiple = (scalar, point) => curve.sum(scalarBytes(scalar), point, scalarBytes(0n), point);
  return { ...parts, seed, secrets, keys, ring, edges, memberOf, multiple };
}

function original(world, number) {
  const { seed, secrets, keys, ring, scalarBytes, signRing } = world;
  const random = randomness(`${seed}/signature/${number}`);
  const count = random.one([1, 2, 2, 2, 2, 2, 2, 3, 3, 4, 5, 8, random.below(16) + 1]);
  const chosen = Array.from({ length: count }, () => random.below(keys.length));
  const publicKeys = chosen.map((index) => keys[index]);
  const digest = random.bytes(32);
  if (random.below(16) === 0) return { publicKeys, digest, signature: atInfinity(world, digest, chosen[0]) };
  const signerIndex = random.below(count);
  const privateKey = secrets[chosen[signerIndex]];
  // Small draws put small multiples next to each other.
  const isSmall = random.below(4) === 0;
  const draw = (length) => (isSmall ? scalarBytes(BigInt(random.below(5) + 1)) : random.bytes(length));
  const signature = signRing({ publicKeys, signerIndex, privateKey, digest, random: draw, ring });
  return { publicKeys, digest, signature };
}

/** One member's signature with nonce 0: both sums are at infinity, and it is good (relay-path 3.6). */
function atInfinity(world, digest, index) {
  const { secrets, keys, INFINITY, challenge, scalarBytes, multiple, memberOf } = world;
  const secret = bigOf(secrets[index]);
  const c = challenge(digest, INFINITY, INFINITY);
  const s = scalarBytes(-bigOf(c) * secret);
  const image = multiple(secret, memberOf(keys[index]).hashPoint);
  return Uint8Array.from(Buffer.concat([Uint8Array.of(0, 0, 0, 1), c, image, s, keys[index]]));
}

/** A signature, changed or not: bits, lengths, scalars, points. */
function variant(world, { publicKeys, digest }, bytes, random) {
  const { keys, edges, scalarBytes } = world;
  const members = (bytes.length - HEAD) / PAIR;
  const anyPair = () => HEAD + PAIR * random.below(members);
  const put = (offset, part) => {
    bytes.set(part, offset);
    return bytes;
  };
  return random.one([
    () => bytes,
    () => bytes,
    () => put(random.below(bytes.length), random.bytes(1)),
    () => put(random.one([4, anyPair()]), random.one(edges)),
    () => allAtEdges(bytes, members, edges, random),
    () => {
      // s = ±c
      const c = random.one([bytes.slice(4, 36), random.one(edges), random.bytes(32)]);
      put(4, c);
      return put(anyPair(), random.one([c, scalarBytes(-bigOf(c))]));
    },
    () => put(36, contrivedImage(world, publicKeys, random)),
    () => {
      put(36, contrivedImage(world, publicKeys, random));
      return put(HEAD, random.one([bytes.slice(4, 36), ...edges]));
    },
    // another member's key, a stranger's, or none
    () => put(anyPair() + 32, random.one([...publicKeys, ...keys, random.bytes(33)])),
    // no point, as often as not
    () => put(36, Uint8Array.of(random.one([2, 3, 4]), ...random.bytes(32))),
    () => rotated(world, digest, bytes, members),
    () => bytes.subarray(0, random.below(bytes.length + 1)),
    () => Uint8Array.from(Buffer.concat([bytes, random.bytes(random.below(3) * PAIR)])),
    () => put(0, Uint8Array.of(0, 0, 0, random.below(20))),
  ])();
}

function allAtEdges(bytes, members, edges, random) {
  bytes.set(random.one(edges), 4);
  for (let each = 0; each < members; each++) bytes.set(random.one(edges), HEAD + PAIR * each);
  return bytes;
}

/** What a member's tables are of, or a multiple of it. */
function contrivedImage({ ORDER, memberOf, multiple }, publicKeys, random) {
  const { point, hashPoint } = memberOf(random.one(publicKeys));
  const factors = [1n, 2n, 3n, 256n, 2n ** 64n, ORDER - 1n, ORDER - 2n, bigOf(random.bytes(32))];
  return multiple(random.one(factors), random.one([point, hashPoint, hashPoint]));
}

/** The same cycle begun at its second member, which verifies just as well (relay-path 3.6). */
function rotated({ curve, challenge, memberOf }, digest, bytes, members) {
  const [c, s, key] = [bytes.slice(4, 36), bytes.slice(HEAD, HEAD + 32), bytes.slice(HEAD + 32, HEAD + PAIR)];
  const { point, hashPoint } = memberOf(key);
  const image = curve.decompress(bytes.slice(36, HEAD));
  const next = challenge(digest, curve.sumWithBase(s, c, point), curve.sum(s, hashPoint, c, image));
  const order = Array.from({ length: members }, (_, index) => (index + 1) % members);
  const pairs = order.map((index) => bytes.subarray(HEAD + PAIR * index, HEAD + PAIR * (index + 1)));
  return Uint8Array.from(Buffer.concat([bytes.subarray(0, 4), next, bytes.subarray(36, HEAD), ...pairs]));
}

/** Private keys, many of which are small multiples of one another, so that sums meet equal and opposite terms. */
function relatedSecrets(seed, order) {
  const random = randomness(`${seed}/keys`);
  const free = Array.from({ length: 6 }, () => bigOf(random.bytes(32)) % order);
  const [first = 1n] = free;
  const related = [2n, 3n, 256n, 2n ** 64n, order - 1n, order - 2n].map((factor) => (first * factor) % order);
  const small = [1n, 2n, 3n, 5n, 7n, 255n, 256n, 257n, 2n ** 64n, 2n ** 128n, order - 1n, order - 2n];
  return [...free, ...related, ...small, 2n ** 248n, (order + 1n) / 2n];
}

/**
 * Compares cases `from` to `to` (not included): random batches at the door, and one by one as the chain does. Throws on a difference,
 * with what it takes to see it again. `more` is asked before each batch whether to go on. What was done, and how many were good.
 */
export function compareCases({ cases, kernel, slow, seed, from, to, more = () => true }) {
  let next = from;
  let good = 0;
  while (next < to && more()) {
    const random = randomness(`${seed}/batch/${next}`);
    const size = Math.min(random.one([1, 1, 2, 5, 8, 16, 17, 40]), to - next);
    const jobs = Array.from({ length: size }, (_, index) => cases.caseAt(next + index));
    const verdicts = kernel.manyAtDoor(jobs);
    for (const [index, { ring, digest, signature }] of jobs.entries()) {
      const door = slow.atDoor(ring, digest, signature);
      expectSame(door, verdicts[index], { seed, case: next + index, verifier: "manyAtDoor" });
      // The chain's verdict is another one only where the door refuses the form.
      const isForm = !door.ok && door.reason !== "does_not_verify";
      const chain = isForm ? slow.onChain(ring, digest, signature) : door;
      expectSame(chain, kernel.onChain(ring, digest, signature), {
        seed,
        case: next + index,
        verifier: "onChain",
      });
      if (chain.ok) good++;
    }
    next += size;
  }
  return { next, good };
}

function expectSame(expected, got, where) {
  if (JSON.stringify(expected) === JSON.stringify(got)) return;
  throw new Error(
    `the kernel and the slow verifier differ: ${JSON.stringify({ ...where, expected, got: got ?? "nothing" })}`,
  );
}
