/** One message of gRPC in its frame. */
export function framed(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(5 + message.length);
  new DataView(frame.buffer).setUint32(1, message.length);
  frame.set(message, 5);
  return frame;
}

/** What a client of gRPC-Web reads of a body: its messages and its trailers. */
export function openFrames(bytes: Uint8Array): { messages: Uint8Array[]; trailers: string } {
  const messages: Uint8Array[] = [];
  let trailers = "";
  for (let at = 0; at < bytes.length; ) {
    const length = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(1);
    const part = bytes.subarray(at + 5, at + 5 + length);
    if (((bytes[at] ?? 0) & 0x80) === 0) messages.push(part);
    else trailers = new TextDecoder().decode(part);
    at += 5 + length;
  }
  return { messages, trailers };
}
