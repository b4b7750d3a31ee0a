import type { FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";

/** First bytes of a segment file: what it is and in which version. */
export const MAGIC = Buffer.from("RMSPOOL1", "latin1");
/** Before each entry: its length and its checksum (CRC-32), both big-endian. */
export const HEAD_BYTES = 8;
/** A length above this is no length. A relay is a request and an answer, each bounded far below. */
const MAX_ENTRY_BYTES = 268_435_456;
const CHUNK_BYTES = 1_048_576;

export function frameHead(data: Uint8Array): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head.writeUInt32BE(data.length, 0);
  head.writeUInt32BE(crc32(data), 4);
  return head;
}

export type Batch = {
  readonly entries: readonly Buffer[];
  /** Where the next batch begins. */
  readonly next: number;
  /** Entries whose bytes are not those that were written. */
  readonly damaged: number;
  /** What follows is no entry: a write that a crash cut short. */
  readonly torn: boolean;
};

/**
 * Reads whole entries from `from` on, up to `to`: about a megabyte of them, at least one and at most `most`. Entries with a wrong
 * checksum are left out and counted. Nothing is left when `next` is `to` or the rest is torn. Throws what the file system throws.
 */
export async function readBatch(file: FileHandle, from: number, to: number, most: number): Promise<Batch> {
  const available = to - from;
  const found = parse(await readAt(file, from, Math.min(CHUNK_BYTES, available)), available, most);
  if (found.needed === undefined) return { ...found, next: from + found.used };
  const whole = parse(await readAt(file, from, found.needed), available, 1);
  return { ...whole, next: from + whole.used };
}

/** `needed`: the first entry is longer than the bytes given, which are the first of `available`. */
function parse(bytes: Buffer, available: number, most: number) {
  const entries: Buffer[] = [];
  let [used, damaged] = [0, 0];
  while (entries.length + damaged < most && used < available) {
    const frame = frameAt(bytes, used, available);
    if (frame === "torn") return { entries, used, damaged, torn: true, needed: undefined };
    if (frame.end > bytes.length) {
      const needed = used === 0 ? frame.end : undefined;
      return { entries, used, damaged, torn: false, needed };
    }
    const data = bytes.subarray(used + HEAD_BYTES, frame.end);
    if (crc32(data) === frame.checksum) entries.push(data);
    else damaged += 1;
    used = frame.end;
  }
  return { entries, used, damaged, torn: false, needed: undefined };
}

/** Where the entry ends; past the bytes given when they are too few to tell. */
function frameAt(bytes: Buffer, at: number, available: number) {
  if (at + HEAD_BYTES > available) return "torn";
  if (at + HEAD_BYTES > bytes.length) return { end: at + HEAD_BYTES, checksum: 0 };
  const length = bytes.readUInt32BE(at);
  const end = at + HEAD_BYTES + length;
  if (length === 0 || length > MAX_ENTRY_BYTES || end > available) return "torn";
  return { end, checksum: bytes.readUInt32BE(at + 4) };
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}
