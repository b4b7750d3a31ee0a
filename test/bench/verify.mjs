// What a ring signature costs to verify, as ratios to V, one native ECDSA verification measured in the same run.
// Usage: npm run bench:verify -- [--runs <n>]
import { randomBytes } from "node:crypto";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { publicKeyOf } from "../../dist/chain/protocol/ecdsa.js";
import { ringVerifiers } from "../../dist/chain/protocol/ring/curve-verifier.js";
import { fastestCurve } from "../../dist/chain/protocol/ring/fastest-curve.js";
import { prepareRing } from "../../dist/chain/protocol/ring/prepare.js";
import { signRing } from "../../dist/chain/protocol/ring/sign.js";
import { openRingVerifiers } from "../../dist/chain/protocol/ring/verify.js";
import { measured, printMeasured } from "./tasks.mjs";
import { yardstickTask } from "./yardstick.mjs";

const secret = () => new Uint8Array(randomBytes(32));

/** Signed by the last key. */
function signedBy(secrets) {
  const publicKeys = secrets.map(publicKeyOf);
  const ring = prepareRing(publicKeys);
  const digest = secret();
  const signerIndex = secrets.length - 1;
  const privateKey = secrets[signerIndex];
  const signature = signRing({ publicKeys, signerIndex, privateKey, digest, ring });
  return { publicKeys, ring, digest, signature };
}

const cycle = (list) => {
  let next = 0;
  return () => list[next++ % list.length];
};

/** Tasks for `measured`. 20 applications with one gateway; the cold ones have keys that nobody has seen, prepared in the time taken. */
export function verifyTasks(runs) {
  const verifiers = openRingVerifiers();
  if (verifiers.refusal !== undefined) console.error(`no kernel: ${verifiers.refusal}`);
  const { atDoor, manyAtDoor } = verifiers;
  const expectGood = ({ ok }) => {
    if (!ok) throw new Error("a good signature was refused");
  };
  const gateway = secret();
  const jobs = Array.from({ length: 20 }, () => signedBy([secret(), gateway]));
  const next = cycle(jobs);
  const large = cycle(
    Array.from({ length: 5 }, () => signedBy([secret(), secret(), secret(), secret(), gateway])),
  );
  const images = cycle(Array.from({ length: 64 }, () => publicKeyOf(secret())));
  const COLD = 8;
  const strangers = cycle(Array.from({ length: COLD * (runs + 1) }, () => signedBy([secret(), secret()])));
  const newApplications = cycle(
    Array.from({ length: COLD * (runs + 1) }, () => signedBy([secret(), gateway])),
  );
  const slow = ringVerifiers(fastestCurve).atDoor;
  const one = (verify, { ring, digest, signature }) => verify(ring, digest, signature);
  const cold = ({ publicKeys, digest, signature }) =>
    expectGood(atDoor(prepareRing(publicKeys), digest, signature));

  return {
    V: yardstickTask(),
    verify_warm_single: { times: 400, run: () => expectGood(one(atDoor, next())) },
    verify_warm_batch8: {
      times: 50,
      per: 8,
      run: () => manyAtDoor(Array.from({ length: 8 }, next)).forEach(expectGood),
    },
    verify_warm_batch16: {
      times: 25,
      per: 16,
      run: () => manyAtDoor(Array.from({ length: 16 }, next)).forEach(expectGood),
    },
    verify_warm_5_members: { times: 100, run: () => expectGood(one(atDoor, large())) },
    verify_cold: { times: COLD, run: () => cold(strangers()) },
    verify_cold_known_gateway: { times: COLD, run: () => cold(newApplications()) },
    verify_unknown_image: {
      times: 200,
      run: () => {
        const { ring, digest, signature } = next();
        const forged = Uint8Array.from(signature);
        forged.set(images(), 36);
        if (atDoor(ring, digest, forged).ok) throw new Error("a bad signature was taken");
      },
    },
    verify_without_kernel: { times: 60, run: () => expectGood(one(slow, next())) },
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { values } = parseArgs({ options: { runs: { type: "string", default: "15" } } });
  const runs = Number(values.runs);
  printMeasured(measured(verifyTasks(runs), runs));
}
