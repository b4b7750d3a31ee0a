import type { PreparedRing, RingMember } from "../../../chain/protocol/ring/prepare.ts";

/** A ring with its application, by the number that both threads know it by. */
export type NumberedRing = { readonly id: number; readonly ring: PreparedRing; readonly account: string };

export type NumberedJob = {
  readonly ringId: number;
  readonly digest: Uint8Array;
  readonly signature: Uint8Array;
};

/** What goes to a worker at once: rings that it does not have yet, then signatures. */
export type Batch = { readonly rings: readonly NumberedRing[]; readonly jobs: readonly NumberedJob[] };

const KEY_BYTES = 33;
const POINT_BYTES = 65;
const MEMBER_BYTES = KEY_BYTES + 2 * POINT_BYTES;
/** id, most members of a signature, number of members, length of the account; the last two then follow. */
const RING_HEAD = 16;
/** ring id, length of the digest, length of the signature. */
const JOB_HEAD = 12;

/** Everything in one buffer that is handed over, not copied: numbers are 32 bits, big-endian; never read by another version. */
export function encodeBatch({ rings, jobs }: Batch): ArrayBuffer {
  const accounts = rings.map(({ account }) => Buffer.from(account, "utf8"));
  let length = 8;
  for (const [index, { ring }] of rings.entries())
    length += RING_HEAD + ring.members.length * MEMBER_BYTES + (accounts[index]?.length ?? 0);
  for (const { digest, signature } of jobs) length += JOB_HEAD + digest.length + signature.length;
  const writer = new Writer(length);
  writer.number(rings.length);
  writer.number(jobs.length);
  for (const [index, { id, ring }] of rings.entries()) {
    const account = accounts[index] ?? new Uint8Array();
    writer.number(id);
    writer.number(ring.maxSignatureMembers);
    writer.number(ring.members.length);
    writer.number(account.length);
    for (const { publicKey, point, hashPoint } of ring.members) {
      writer.bytes(publicKey);
      writer.bytes(point);
      writer.bytes(hashPoint);
    }
    writer.bytes(account);
  }
  for (const { ringId, digest, signature } of jobs) {
    writer.number(ringId);
    writer.number(digest.length);
    writer.number(signature.length);
    writer.bytes(digest);
    writer.bytes(signature);
  }
  return writer.buffer;
}

/** The other way. Digests and signatures are views of the buffer; a ring outlives it, and is copied. */
export function decodeBatch(buffer: ArrayBuffer): Batch {
  const reader = new Reader(buffer);
  const [ringCount, jobCount] = [reader.number(), reader.number()];
  const rings = Array.from({ length: ringCount }, (): NumberedRing => {
    const [id, maxSignatureMembers] = [reader.number(), reader.number()];
    const [memberCount, accountLength] = [reader.number(), reader.number()];
    const members = Array.from({ length: memberCount }, (): RingMember => {
      const publicKey = reader.bytes(KEY_BYTES).slice();
      const point = reader.bytes(POINT_BYTES).slice();
      return { publicKey, point, hashPoint: reader.bytes(POINT_BYTES).slice() };
    });
    const account = Buffer.from(reader.bytes(accountLength)).toString("utf8");
    return { id, ring: { members, maxSignatureMembers }, account };
  });
  const jobs = Array.from({ length: jobCount }, (): NumberedJob => {
    const ringId = reader.number();
    const [digestLength, signatureLength] = [reader.number(), reader.number()];
    return { ringId, digest: reader.bytes(digestLength), signature: reader.bytes(signatureLength) };
  });
  return { rings, jobs };
}

class Writer {
  readonly buffer: ArrayBuffer;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(length: number) {
    this.buffer = new ArrayBuffer(length);
    this.#view = new DataView(this.buffer);
    this.#bytes = new Uint8Array(this.buffer);
  }

  number(value: number): void {
    this.#view.setUint32(this.#at, value);
    this.#at += 4;
  }

  bytes(value: Uint8Array): void {
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }
}

class Reader {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(buffer: ArrayBuffer) {
    this.#view = new DataView(buffer);
    this.#bytes = new Uint8Array(buffer);
  }

  number(): number {
    const value = this.#view.getUint32(this.#at);
    this.#at += 4;
    return value;
  }

  bytes(length: number): Uint8Array {
    const start = this.#at;
    this.#at += length;
    return this.#bytes.subarray(start, this.#at);
  }
}
