/** V: one ECDSA verification by the native addon, which every figure is compared with. */
import { randomBytes } from "node:crypto";
import { ecdsaName, publicKeyOf, signDigest, verifyDigest } from "../../dist/chain/protocol/ecdsa.js";
import { median } from "./numbers.mjs";
import { microsecondsOf } from "./timing.mjs";

const TIMES = 200;
const ROUNDS = 9;

/** A task for `measured`. Throws where the addon does not load: ratios to anything else would mean nothing. */
export function yardstickTask() {
  if (ecdsaName !== "native")
    throw new Error("the native secp256k1 addon, the yardstick, does not load here");
  const [secret, digest] = [randomBytes(32), randomBytes(32)].map((bytes) => new Uint8Array(bytes));
  const [publicKey, signature] = [publicKeyOf(secret), signDigest(secret, digest)];
  return { times: 400, run: () => verifyDigest(publicKey, digest, signature) };
}

/** Microseconds, the median of a few rounds. */
export function measureV() {
  const { run } = yardstickTask();
  const round = () => {
    for (let index = 0; index < TIMES; index++) run();
  };
  const rounds = Array.from({ length: ROUNDS }, () => microsecondsOf(round) / TIMES);
  return median(rounds);
}
