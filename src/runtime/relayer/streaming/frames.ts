/** Stands behind each signed batch of a stream, the last one included (relay-path 6.4). */
export const DELIMITER: Buffer = Buffer.from("||POKT_STREAM||", "ascii");
/** Inside a delimiter that is a part of the stream itself: neither half is one. */
const WITHIN = 8;
/** Each cut costs a signature. A batch with more delimiters in it than it may have lines is somebody's joke. */
const MAX_CUTS = 100;

/**
 * A batch as its client gets it: signed messages, each with a delimiter behind it. Readers split at the delimiter without looking at
 * lengths, so a batch is cut until the delimiter stands nowhere inside a message: within one that the backend sent, or somewhere else
 * where a length, a hash or a signature happens to make one (signatures are deterministic, so another cut is all that helps). The bodies
 * in their order are the batch, however it is cut. After so many cuts it goes out as it is, and a reader must try the next delimiter.
 */
export function framesOf(batch: Buffer, sign: (body: Buffer) => Uint8Array): Buffer[] {
  const frames: Buffer[] = [];
  const left = [batch];
  let cuts = 0;
  const cut = (body: Buffer, at: number) => {
    cuts += 1;
    left.push(body.subarray(at), body.subarray(0, at));
  };
  for (let body = left.pop(); body !== undefined; body = left.pop()) {
    const mayCut = cuts < MAX_CUTS && body.length > 1;
    const inside = mayCut ? body.indexOf(DELIMITER) : -1;
    if (inside !== -1) {
      cut(body, inside + WITHIN);
      continue;
    }
    const frame = Buffer.concat([sign(body), DELIMITER]);
    if (mayCut && !isOne(frame)) cut(body, body.length >> 1);
    else frames.push(frame);
  }
  return frames;
}

/** Whether whoever splits at the first delimiter has the whole message. */
const isOne = (frame: Buffer): boolean => frame.indexOf(DELIMITER) === frame.length - DELIMITER.length;
