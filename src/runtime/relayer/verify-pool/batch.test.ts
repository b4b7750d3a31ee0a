import fc from "fast-check";
import { expect, test } from "vitest";
import { type Batch, decodeBatch, encodeBatch } from "./batch.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const uint32 = fc.nat({ max: 2 ** 32 - 1 });
const member = fc.record({ publicKey: bytes(33), point: bytes(65), hashPoint: bytes(65) });
const numberedRing = fc.record({
  id: uint32,
  account: fc.string({ unit: "grapheme", maxLength: 50 }),
  ring: fc.record({ members: fc.array(member, { maxLength: 5 }), maxSignatureMembers: fc.nat(100) }),
});
const numberedJob = fc.record({
  ringId: uint32,
  digest: fc.uint8Array({ maxLength: 40 }),
  signature: fc.uint8Array({ maxLength: 300 }),
});
const batches = fc.record({
  rings: fc.array(numberedRing, { maxLength: 4 }),
  jobs: fc.array(numberedJob, { maxLength: 6 }),
});

const plain = (batch: Batch): Batch => ({
  rings: batch.rings.map(({ id, account, ring }) => ({
    id,
    account,
    ring: {
      maxSignatureMembers: ring.maxSignatureMembers,
      members: ring.members.map(({ publicKey, point, hashPoint }) => ({
        publicKey: Uint8Array.from(publicKey),
        point: Uint8Array.from(point),
        hashPoint: Uint8Array.from(hashPoint),
      })),
    },
  })),
  jobs: batch.jobs.map(({ ringId, digest, signature }) => ({
    ringId,
    digest: Uint8Array.from(digest),
    signature: Uint8Array.from(signature),
  })),
});

test("a batch comes out as it went in", () => {
  fc.assert(
    fc.property(batches, (batch) => {
      expect(plain(decodeBatch(encodeBatch(batch)))).toEqual(plain(batch));
    }),
  );
});

test("a ring does not hold on to the buffer that it came in", () => {
  const member = { publicKey: new Uint8Array(33), point: new Uint8Array(65), hashPoint: new Uint8Array(65) };
  const ring = { members: [member], maxSignatureMembers: 2 };
  const buffer = encodeBatch({ rings: [{ id: 0, ring, account: "a" }], jobs: [] });
  const [decoded] = decodeBatch(buffer).rings;
  for (const part of Object.values(decoded?.ring.members[0] ?? {})) {
    expect(part.buffer).not.toBe(buffer);
    expect(part.buffer.byteLength).toBe(part.length);
  }
});
