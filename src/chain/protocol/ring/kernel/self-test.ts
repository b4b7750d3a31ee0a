import { fromHex } from "../../../../base/bytes.ts";
import type { Curve } from "../curve.ts";
import { decodeRingSignature } from "../decode.ts";
import { type PreparedRing, prepareRing } from "../prepare.ts";
import type { RingJob, VerifyRings } from "./verifier.ts";

/** Signatures with their digests. Of the first, nothing is special; of the second, a challenge is left-aligned (relay-path 3.4). */
const GOOD: readonly (readonly [string, string])[] = [
  [
    "5a83da7ff66df1a74d9cb7ab3742e870b1735cdfdc46fedbbebd12a400e5b713",
    "0000000255d86cd704930677ea5783eab1c0b46cb47d6dc3c0a370522adc8240f634d4190221f6ec1e5e8286487d488aee0a364df9d988a8f6aa404ceb703565987316954dec18eac8d758b1eba52d3c10d39adc6dd9806472cb4ae069635d383d9086a51302309a613c50df652801f4a3521e364e47e79d3891eeb1a6c2396467368f1a20ab711a8a0653cf030d2ab9a70463087714859724e4680941ef21db3e47f7d9c06b02be05322c6d5ec6b401b7979f2693e4666c95de8d134b9f1602e328b547d35f96",
  ],
  [
    "64a18a35f54a54874c693e9f11644c959c9cf02c23be6bb376fd656917e54646",
    "0000000373612951c998e05a097d6c21112f26d6ff53ae9158892febd7773ef61ea7f758020a37c3544eafccda4e0b9a7a2f98b13236a6f2b3d9f934d530d942abf32a76583c907209615a9e69fede6e70419afaad70373c7a6e83318648a3d72b5f8c8fd70278d3996ed64e76b608460467e34efc46e9b10460910660087aaf111d344b2100b39eb6d83feb3f8ca37e38462396581573d5ab9621e14bcbd6cab5f5490b3b87021045ec420969a007f4b5e2a7a3b82bcc0d0573cab639f58d7eef0daf053d4237fecb4e224a8bb7244bc1a2728ca65871fe2109f78aa0293d9c60f2316a434c8603b0ccdd40468568bc049404d19c5e9101a9eedfad0b4ecff37984f85650e7d9be",
  ],
];
/** By a signer that does not align: not good on this chain. */
const UNALIGNED: readonly [string, string] = [
  "ad1d6d257c453660fd7a5bd1e088c742c8e038681fd205ca8905c17d66465aff",
  "0000000200aac0d0cb61fcb40955a7d7abe67d4133c237b925258761241827cfd10a52f20221f6ec1e5e8286487d488aee0a364df9d988a8f6aa404ceb703565987316954d4b1ba41f7b6986ee27c6abf2f3e6c4498146b7c2aef44afb00aeb903f75c055b02309a613c50df652801f4a3521e364e47e79d3891eeb1a6c2396467368f1a20abd9a36a48738f33d71c52cdae8005d940466cb6294d4d472a319f7dee726eb7a102be05322c6d5ec6b401b7979f2693e4666c95de8d134b9f1602e328b547d35f96",
];
/** Until each point of both has its whole table, for one becomes whole in a call. */
const TURNS = 8;
const OFFSETS = [5, 37, 68, 70, 100];

/**
 * Whether the kernel gives the verdicts that it should: on signatures of the reference implementation, one after the other and
 * together, with new and with known key images, with first and with whole tables; on each with a bit turned in each of its parts; and on one whose sums are all at
 * infinity. What is wrong, or undefined if nothing is.
 */
export function selfTest(verify: VerifyRings, curve: Curve): string | undefined {
  const good = GOOD.map(([digest, signature]) => jobOf(curve, fromHex(digest), fromHex(signature)));
  const bad = [jobOf(curve, fromHex(UNALIGNED[0]), fromHex(UNALIGNED[1])), ...good.flatMap(spoiled)];
  for (let turn = 0; turn < TURNS; turn++)
    for (const job of good) {
      if (verify([job])[0]?.ok !== true) return "the kernel's self-test refused a good signature";
    }
  for (const [index, { ok }] of verify([...bad, ...good, ...bad.slice(1)]).entries()) {
    const expected = index >= bad.length && index < bad.length + good.length;
    if (ok !== expected) return "the kernel's self-test got a wrong verdict in a batch";
  }
  return undefined;
}

function jobOf(curve: Curve, digest: Uint8Array, signature: Uint8Array): RingJob {
  return { ring: ringOf(curve, signature), digest, signature };
}

function ringOf(curve: Curve, signature: Uint8Array): PreparedRing {
  const pairs = decodeRingSignature(signature)?.pairs ?? [];
  return prepareRing(
    pairs.map(({ publicKey }) => publicKey),
    curve,
  );
}

/** The same with one bit of the digest turned, or of each part of the signature, or with all scalars zero. */
function spoiled(job: RingJob): RingJob[] {
  const changed = OFFSETS.map((offset) => ({ ...job, signature: turned(job.signature, offset) }));
  const zeros = Uint8Array.from(job.signature);
  zeros.fill(0, 4, 36);
  for (let offset = 69; offset < zeros.length; offset += 65) zeros.fill(0, offset, offset + 32);
  return [...changed, { ...job, digest: turned(job.digest, 31) }, { ...job, signature: zeros }];
}

function turned(bytes: Uint8Array, offset: number): Uint8Array {
  const changed = Uint8Array.from(bytes);
  changed[offset] = (changed[offset] ?? 0) ^ 1;
  return changed;
}
