/**
 * Hostile relays. None of them needs a secret of the application whose session they name:
 *
 * images: the ring's keys, random scalars, and a key image that nobody has seen, a point of the curve. The dearest honest-looking lie:
 *   it must be verified to be refused.
 * degenerate: signatures for which the verification kernel has no formula, so that the slower verifier judges them.
 * garbage: bytes, relays cut short, relays of a service that is not served.
 * honest: no flood, but as many good relays of that application: what so much more work costs in any case.
 */
import { randomBytes } from "node:crypto";
import { bytesToBig } from "../../dist/base/bytes.js";
import { RelayRequest } from "../../dist/chain/proto/service.js";
import { publicKeyOf } from "../../dist/chain/protocol/ecdsa.js";
import { requestDigest } from "../../dist/chain/protocol/relay-hash.js";
import { prepareRing } from "../../dist/chain/protocol/ring/prepare.js";
import { openRingVerifiers } from "../../dist/chain/protocol/ring/verify.js";
import { scalarBytes } from "../../dist/chain/protocol/scalar.js";

export const FLOODS = ["honest", "images", "degenerate", "garbage"];

const HEAD = 69;
const PAIR = 65;
const CHALLENGE = 4;
const IMAGE = 36;
const ZERO = new Uint8Array(32);
const random = (length) => new Uint8Array(randomBytes(length));

/** `make(number)` gives flood relay number n's bytes; `good` makes good ones, which are then spoilt. */
export function floodMaker(plan, good) {
  const make = {
    honest: () => good,
    images: imagesMaker,
    degenerate: degenerateMaker,
    garbage: garbageMaker,
  }[plan.kind];
  return make(plan, good);
}

/** The good relay with another signature. */
function signedAnew(bytes, change) {
  const relay = RelayRequest.decode(bytes);
  const signature = Uint8Array.from(relay.meta.signature);
  change(signature, (signature.length - HEAD) / PAIR);
  return { ...relay, meta: { ...relay.meta, signature } };
}

function imagesMaker(_plan, good) {
  return (number) => {
    const spoilt = signedAnew(good(number), (signature, members) => {
      signature.set(random(32), CHALLENGE);
      signature.set(publicKeyOf(random(32)), IMAGE);
      for (let member = 0; member < members; member++) signature.set(random(32), HEAD + PAIR * member);
    });
    return RelayRequest.encode(spoilt);
  };
}

/** Throws when none of the ways does what it should: a flood of what the kernel can refuse at its own speed would show nothing. */
function degenerateMaker({ sessions: [session], gatewaySecrets }, good) {
  const ring = prepareRing([session.secret, ...gatewaySecrets].map(publicKeyOf));
  const compressed = (point) => Uint8Array.of(2 + (point[64] & 1), ...point.subarray(1, 33));
  const ways = [
    // s = -c, and the image is the member's own hash point: the second sum is nothing.
    (signature) => {
      const c = random(32);
      c[0] = 0;
      signature.set(c, CHALLENGE);
      signature.set(scalarBytes(-bytesToBig(c)), HEAD);
      const [first] = ring.members.filter(({ publicKey }) => isAt(signature, publicKey, HEAD + 32));
      signature.set(compressed(first.hashPoint), IMAGE);
    },
    // s = c = 0: both are.
    (signature) => {
      signature.set(ZERO, CHALLENGE);
      signature.set(ZERO, HEAD);
      signature.set(publicKeyOf(random(32)), IMAGE);
    },
  ];
  const verifiers = openRingVerifiers();
  const isSlow = (way) => {
    const relay = signedAnew(good(0), way);
    const before = verifiers.counts()?.slow;
    verifiers.atDoor(ring, requestDigest(relay), relay.meta.signature);
    return verifiers.counts()?.slow !== before;
  };
  const useful = ways.filter(isSlow);
  if (useful.length === 0)
    throw new Error("the kernel judges all degenerate signatures itself: this flood is none any more");
  return (number) => RelayRequest.encode(signedAnew(good(number), useful[number % useful.length]));
}

const isAt = (bytes, part, offset) =>
  Buffer.compare(bytes.subarray(offset, offset + part.length), part) === 0;

function garbageMaker(_plan, good) {
  const ways = [
    (bytes) => random(bytes.length),
    (bytes) => bytes.subarray(0, bytes.length >> 1),
    (bytes) => {
      const relay = RelayRequest.decode(bytes);
      const sessionHeader = { ...relay.meta.sessionHeader, serviceId: "nobody-serves-this" };
      return RelayRequest.encode({ ...relay, meta: { ...relay.meta, sessionHeader } });
    },
  ];
  return (number) => ways[number % ways.length](good(number));
}
