import { createHash } from "node:crypto";
import { publicKeyOf } from "../../src/chain/protocol/ecdsa.ts";
import { type PreparedRing, prepareRing } from "../../src/chain/protocol/ring/prepare.ts";
import { signRing } from "../../src/chain/protocol/ring/sign.ts";
import type { VerifyJob } from "../../src/runtime/relayer/verify-pool/job.ts";

const sha256 = (text: string) => new Uint8Array(createHash("sha256").update(text).digest());

export type Signers = {
  readonly account: string;
  readonly ring: PreparedRing;
  /** Signed by the gateway: not one signature is like another. */
  sign(name: string): VerifyJob;
};

/** An application with its gateway, which is that of all of them; their keys follow from their names. */
export function signersOf(application: string, gateway = "gateway"): Signers {
  const privateKey = sha256(gateway);
  const publicKeys = [publicKeyOf(sha256(application)), publicKeyOf(privateKey)];
  const ring = prepareRing(publicKeys);
  return {
    account: application,
    ring,
    sign: (name) => {
      const digest = sha256(name);
      const signature = signRing({ publicKeys, signerIndex: 1, privateKey, digest, ring });
      return { ring, digest, signature, account: application };
    },
  };
}

/** The same with a bit turned, cut short, lengthened, of another ring, or with a digest that is none. */
export function spoiled(job: VerifyJob, how: number, other: PreparedRing): VerifyJob {
  const turned = (bytes: Uint8Array, at: number) => {
    const changed = Uint8Array.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ (1 << (how % 8));
    return changed;
  };
  const { signature, digest } = job;
  const ways: (() => VerifyJob)[] = [
    () => ({ ...job, signature: turned(signature, how % signature.length) }),
    () => ({ ...job, digest: turned(digest, how % 32) }),
    () => ({ ...job, ring: other }),
    () => ({ ...job, signature: signature.subarray(0, how % signature.length) }),
    () => ({ ...job, signature: Uint8Array.from([...signature, how % 256]) }),
    () => ({ ...job, signature: Uint8Array.from({ length: 5_000 }, () => how % 256) }),
    () => ({ ...job, digest: digest.subarray(0, how % 32) }),
  ];
  return ways[how % ways.length]?.() ?? job;
}
