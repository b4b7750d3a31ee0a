import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { bytesToBig, fromHex, toHex, utf8 } from "../../src/base/bytes.ts";
import { Application } from "../../src/chain/proto/application.ts";
import { SharedParams } from "../../src/chain/proto/shared.ts";
import { addressOf, encodeAddress } from "../../src/chain/protocol/address.ts";
import { publicKeyOf } from "../../src/chain/protocol/ecdsa.ts";
import { nativeSecp256k1 } from "../../src/chain/protocol/native-secp256k1.ts";
import { challenge } from "../../src/chain/protocol/ring/challenge.ts";
import type { Curve } from "../../src/chain/protocol/ring/curve.ts";
import { nativeCurve } from "../../src/chain/protocol/ring/curve-native.ts";
import { nobleCurve } from "../../src/chain/protocol/ring/curve-noble.ts";
import { ringVerifiers } from "../../src/chain/protocol/ring/curve-verifier.ts";
import { decodeRingSignature } from "../../src/chain/protocol/ring/decode.ts";
import { hashToCurve } from "../../src/chain/protocol/ring/hash-to-curve.ts";
import {
  PLACEHOLDER_ADDRESS,
  PLACEHOLDER_PUBLIC_KEY,
  ringAddresses,
  ringPublicKeys,
} from "../../src/chain/protocol/ring/members.ts";
import { type PreparedRing, prepareRing } from "../../src/chain/protocol/ring/prepare.ts";
import { signRing } from "../../src/chain/protocol/ring/sign.ts";
import type { RingVerifiers } from "../../src/chain/protocol/ring/verifier.ts";
import {
  type OpenedVerifiers,
  openRingVerifiers,
  verifyRingAtDoor,
  verifyRingOnChain,
} from "../../src/chain/protocol/ring/verify.ts";
import { leftAlignedScalar, ORDER, scalarBytes } from "../../src/chain/protocol/scalar.ts";
import { Vectors } from "../kit/vectors.ts";

const vectors = new Vectors("ring");
const CURVES: readonly Curve[] =
  nativeSecp256k1 === undefined ? [nobleCurve] : [nobleCurve, nativeCurve(nativeSecp256k1, nobleCurve)];
/** The kernel with its usual and its small tables. */
const KERNELS: readonly OpenedVerifiers[] = [256, 8].map((megabytes) => openRingVerifiers({ megabytes }));
/** What runs, the kernels, and the slow oracle. */
const VERIFIERS: readonly RingVerifiers[] = [
  { onChain: verifyRingOnChain, atDoor: verifyRingAtDoor },
  ...KERNELS,
  ringVerifiers(nobleCurve),
];

const hexes = (list: readonly string[]): Uint8Array[] => list.map((hex) => fromHex(hex));
const compressed = (point: Uint8Array): string =>
  ((point.at(-1) ?? 0) % 2 === 0 ? "02" : "03") + toHex(point.subarray(1, 33));

/** The ring that every key of a signature is in, or undefined where the chain cannot read the signature. */
function ownRing(bytes: Uint8Array): PreparedRing | undefined {
  const signature = decodeRingSignature(bytes);
  if (signature === undefined || nobleCurve.decompress(signature.keyImage) === undefined) return undefined;
  try {
    return prepareRing(signature.pairs.map(({ publicKey }) => publicKey));
  } catch {
    return undefined;
  }
}

vectors.kind("hash_to_curve", (vector) => {
  for (const curve of CURVES)
    expect(compressed(hashToCurve(fromHex(vector["public_key"]), curve))).toBe(vector["point"]);
});

vectors.kind("challenge", (vector) => {
  const modOrder = BigInt(`0x${vector["hash_mod_order"]}`);
  expect(modOrder < 2n ** 248n).toBe(vector["left_aligned"]);
  expect(toHex(leftAlignedScalar(modOrder))).toBe(vector["c"]);
  const c = challenge(fromHex(vector["message"]), fromHex(vector["l"]), fromHex(vector["r"]));
  expect(toHex(c)).toBe(vector["c"]);
});

vectors.kind("signature", (vector) => {
  const publicKeys = hexes(vector["ring"]);
  const message = fromHex(vector["message"]);
  const bytes = fromHex(vector["signature"]);
  const { decoded } = vector;
  const signature = decodeRingSignature(bytes);
  if (signature === undefined) throw new Error("not decoded");
  expect(signature.canonical).toBe(true);
  expect(toHex(signature.challenge)).toBe(decoded.c);
  expect(toHex(signature.keyImage)).toBe(decoded.key_image);
  expect(signature.pairs.map(({ scalar }) => toHex(scalar))).toEqual(decoded.s);
  expect(signature.pairs.map(({ publicKey }) => toHex(publicKey))).toEqual(decoded.public_keys);

  const ring = prepareRing(publicKeys);
  for (const { onChain, atDoor } of VERIFIERS) {
    expect(onChain(ring, message, bytes)).toEqual({ ok: true });
    expect(atDoor(ring, message, bytes)).toEqual({ ok: true });
  }
  const privateKey = fromHex(vector["signer_private_key"]);
  const ours = signRing({ publicKeys, signerIndex: vector["signer_index"], privateKey, digest: message });
  expect(toHex(ours.subarray(36, 69))).toBe(decoded.key_image);
  for (const { atDoor } of VERIFIERS) expect(atDoor(ring, message, ours)).toEqual({ ok: true });

  for (const curve of vector["trace"] ? CURVES : []) {
    const image = curve.decompress(signature.keyImage);
    for (const [index, step] of vector["trace"].entries()) {
      const pair = signature.pairs[index];
      const point = pair && curve.decompress(pair.publicKey);
      if (!pair || !point || !image) throw new Error("not decoded");
      const c = fromHex(step.c);
      const l = curve.sumWithBase(pair.scalar, c, point);
      const r = curve.sum(pair.scalar, hashToCurve(pair.publicKey), c, image);
      expect(toHex(l)).toBe(step.l);
      expect(toHex(r)).toBe(step.r);
      expect(toHex(challenge(message, l, r))).toBe(step.next_c);
    }
  }
});

vectors.kind("mutation", (vector) => {
  const { expect: expected } = vector;
  const bytes = fromHex(vector["signature"]);
  const message = fromHex(vector["message"]);
  const own = ownRing(bytes);
  // A count of zero is read by Go, which then crashes on it.
  const readable = expected.deserialize === "ok" && expected.verify !== "panic";
  expect(own !== undefined).toBe(readable);
  const members = prepareRing(hexes(vector["ring_members"]));
  const accepted = expected.accepted_by_relay_miner;
  const canonical = expected.reserialized === undefined;
  for (const { onChain, atDoor } of VERIFIERS) {
    if (own) expect(onChain(own, message, bytes).ok).toBe(expected.verify);
    expect(onChain(members, message, bytes).ok).toBe(accepted);
    expect(atDoor(members, message, bytes).ok).toBe(accepted && canonical);
  }
});

vectors.kind("application_ring", (vector) => {
  const { application: given, accounts, signed } = vector;
  const application = Application.create({
    address: given.address,
    delegateeGatewayAddresses: given.delegatee_gateway_addresses ?? [],
    pendingUndelegations: new Map(
      Object.entries(given.pending_undelegations ?? {}).map(([height, list]) => [
        BigInt(height),
        { gatewayAddresses: list as string[] },
      ]),
    ),
  });
  const params = SharedParams.create({ numBlocksPerSession: BigInt(vector["num_blocks_per_session"]) });
  const addresses = ringAddresses(application, BigInt(vector["session_end_height"]));
  expect(ringAddresses(application, BigInt(vector["height"]), params)).toEqual(addresses);
  const gateways = [...addresses];
  gateways.splice(gateways.indexOf(given.address), 1);
  expect(gateways.filter((address) => address !== PLACEHOLDER_ADDRESS)).toEqual(
    vector["gateway_addresses_sorted"],
  );

  const publicKeys = ringPublicKeys(addresses, (address) => fromHex(accounts[address]));
  expect(publicKeys.map(toHex)).toEqual(vector["ring_public_keys"]);
  const ring = prepareRing(publicKeys);
  const message = fromHex(signed.message);
  const signerIndex = addresses.indexOf(given.address);
  const ours = signRing({
    publicKeys,
    signerIndex,
    privateKey: fromHex(signed.signer_private_key),
    digest: message,
  });
  expect(signed.expect).toEqual({ deserialize: "ok", verify: true });
  for (const { atDoor } of VERIFIERS) {
    expect(atDoor(ring, message, fromHex(signed.signature))).toEqual({ ok: true });
    expect(atDoor(ring, message, ours)).toEqual({ ok: true });
  }
});

test("ring.json: the kernel ran, and all verdicts come out the same together", () => {
  type Signed = {
    readonly kind: string;
    readonly ring?: string[];
    readonly ring_members?: string[];
    readonly message: string;
    readonly signature: string;
  };
  const jobs = (vectors.file["cases"] as Signed[])
    .filter(({ kind }) => kind === "signature" || kind === "mutation")
    .map(({ ring, ring_members, message, signature }) => ({
      ring: prepareRing(hexes(ring ?? ring_members ?? [])),
      digest: fromHex(message),
      signature: fromHex(signature),
    }));
  expect(jobs.length).toBeGreaterThan(300);
  const slow = ringVerifiers(nobleCurve);
  const verdicts = jobs.map(({ ring, digest, signature }) => slow.atDoor(ring, digest, signature));
  for (const { name, refusal, manyAtDoor } of KERNELS) {
    expect([name, refusal]).toEqual(["kernel", undefined]);
    expect(manyAtDoor(jobs)).toEqual(verdicts);
  }
});

test("ring.json: the placeholder member follows from its text", () => {
  const secret = createHash("sha256").update(utf8("placeholder_ring_key_for_apps_without_gateways")).digest();
  const privateKey = scalarBytes((bytesToBig(secret) % (ORDER - 1n)) + 1n);
  expect(toHex(privateKey)).toBe(vectors.file["placeholder_private_key"]);
  expect(publicKeyOf(privateKey)).toEqual(PLACEHOLDER_PUBLIC_KEY);
  expect(toHex(PLACEHOLDER_PUBLIC_KEY)).toBe(vectors.file["placeholder_public_key"]);
  expect(PLACEHOLDER_ADDRESS).toBe(vectors.file["placeholder_ring_address"]);
  expect(encodeAddress(fromHex(PLACEHOLDER_ADDRESS))).toBe(addressOf(PLACEHOLDER_PUBLIC_KEY));
});

vectors.done();
