/** Length-delimited protobuf fields with one-byte tags, written where they will stay: for what every relay writes. */

export function varintLength(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

/** Bytes of a field with this content. */
export const fieldLength = (content: Uint8Array): number => 1 + varintLength(content.length) + content.length;

/** Writes an integer from 0 to 2^31 - 1 and gives the place behind it. */
export function putVarint(target: Uint8Array, at: number, value: number): number {
  let rest = value;
  let next = at;
  while (rest >= 0x80) {
    target[next++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[next++] = rest;
  return next;
}

/** Writes a field and gives the place behind it. */
export function putField(target: Uint8Array, at: number, tag: number, content: Uint8Array): number {
  target[at] = tag;
  const start = putVarint(target, at + 1, content.length);
  target.set(content, start);
  return start + content.length;
}
