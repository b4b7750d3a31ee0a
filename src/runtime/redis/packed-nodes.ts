/** Nodes of a trie as apply-batch.lua takes them: many in one argument, their digests in hex as the Go layout has them. */

type NodeWrite = { readonly digest: Uint8Array; readonly node: Uint8Array };

const DIGEST_LENGTH = 48;
const FIELD_LENGTH = 2 * DIGEST_LENGTH;
const LENGTH_LENGTH = 4;

/** The two characters of each byte in hex. */
const HIGH = new Uint8Array(256);
const LOW = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  const text = byte.toString(16).padStart(2, "0");
  HIGH[byte] = text.charCodeAt(0);
  LOW[byte] = text.charCodeAt(1);
}

/** The digests, 96 characters each. */
export function packedDeletes(digests: readonly Uint8Array[]): Uint8Array {
  const packed = new Uint8Array(digests.length * FIELD_LENGTH);
  let at = 0;
  for (const digest of digests) at = writeField(packed, at, digest);
  return packed;
}

/** For each node its digest, 96 characters, then its length in four bytes, most significant first, then the node. */
export function packedWrites(writes: readonly NodeWrite[]): Uint8Array {
  const length = writes.reduce((sum, { node }) => sum + FIELD_LENGTH + LENGTH_LENGTH + node.length, 0);
  // Every byte of it is written below.
  const packed = Buffer.allocUnsafe(length);
  let at = 0;
  for (const { digest, node } of writes) {
    at = packed.writeUInt32BE(node.length, writeField(packed, at, digest));
    packed.set(node, at);
    at += node.length;
  }
  return packed;
}

function writeField(target: Uint8Array, offset: number, digest: Uint8Array): number {
  for (let index = 0; index < DIGEST_LENGTH; index++) {
    const byte = digest[index] ?? 0;
    target[offset + 2 * index] = HIGH[byte] ?? 0;
    target[offset + 2 * index + 1] = LOW[byte] ?? 0;
  }
  return offset + FIELD_LENGTH;
}
