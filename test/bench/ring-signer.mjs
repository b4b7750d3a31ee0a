/**
 * Ring signatures for the load, some five times faster than `signRing`. Whoever makes the load holds every key of the ring, and the
 * keys are worth nothing, so every nonce is used again and again: with nonce t of a member and its private key x,
 *
 *   s = t − c·x  gives  L = s·G + c·P = t·G  and  R = s·H + c·I = t·H + c·(I − x·H),
 *
 * where t·G, t·H and I − x·H never change: one multiplication for each member but the signer. The signatures are as good as any, and no
 * two are alike. A real key used like this would be public at once.
 */
import { randomBytes } from "node:crypto";
import secp256k1 from "secp256k1";
import { bytesToBig } from "../../dist/base/bytes.js";
import { publicKeyOf } from "../../dist/chain/protocol/ecdsa.js";
import { challenge } from "../../dist/chain/protocol/ring/challenge.js";
import { prepareRing } from "../../dist/chain/protocol/ring/prepare.js";
import { scalarBytes } from "../../dist/chain/protocol/scalar.js";

const multiple = (point, scalar) => secp256k1.publicKeyTweakMul(point, scalar, false);
const compressed = (point) => secp256k1.publicKeyConvert(point, true);
const negated = (point) => secp256k1.publicKeyNegate(point, false);
const sum = (left, right, isCompressed) => secp256k1.publicKeyCombine([left, right], isCompressed);

/** `sign(digest)` for the ring of these private keys, in this order, signed by the last of them. */
export function fastRingSigner(secrets) {
  const members = secrets.map(publicKeyOf);
  const { members: prepared } = prepareRing(members);
  const hashPointOf = (index) => prepared.find((each) => equal(each.publicKey, members[index])).hashPoint;
  const signer = secrets.length - 1;
  const secret = bytesToBig(secrets[signer]);
  const image = multiple(hashPointOf(signer), secrets[signer]);
  const nonce = randomBytes(32);
  const first = { l: publicKeyOf(nonce), r: compressed(multiple(hashPointOf(signer), nonce)) };
  const others = secrets.slice(0, -1).map((own, index) => {
    const t = randomBytes(32);
    const hashPoint = hashPointOf(index);
    const q = sum(image, negated(multiple(hashPoint, own)), false);
    return { x: bytesToBig(own), t: bytesToBig(t), l: publicKeyOf(t), tH: multiple(hashPoint, t), q };
  });
  const blank = blankSignature(members, compressed(image));
  return (digest) => {
    const bytes = Uint8Array.from(blank);
    let c = challenge(digest, first.l, first.r);
    bytes.set(c, 4);
    for (const [index, { x, t, l, tH, q }] of others.entries()) {
      bytes.set(scalarBytes(t - bytesToBig(c) * x), 69 + 65 * index);
      c = challenge(digest, l, sum(tH, multiple(q, c), true));
    }
    bytes.set(scalarBytes(bytesToBig(nonce) - bytesToBig(c) * secret), 69 + 65 * signer);
    // A ring of one begins with the signer's own challenge.
    return bytes;
  };
}

const equal = (left, right) => Buffer.compare(left, right) === 0;

/** Count, room for the challenge, key image, and for each member room for its scalar and its key (relay-path 3.5). */
function blankSignature(publicKeys, image) {
  const bytes = new Uint8Array(69 + 65 * publicKeys.length);
  new DataView(bytes.buffer).setUint32(0, publicKeys.length);
  bytes.set(image, 36);
  for (const [index, key] of publicKeys.entries()) bytes.set(key, 101 + 65 * index);
  return bytes;
}
