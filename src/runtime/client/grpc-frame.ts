/** Headers of a request inside a relay that a gRPC backend takes (relay-path 6.5). */
export const GRPC_HEADERS = [
  ["content-type", "application/grpc"],
  ["te", "trailers"],
] as const;

/** A message in gRPC's frame: one byte of flags, four of length, the message. */
export function framed(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(5 + message.length);
  new DataView(frame.buffer).setUint32(1, message.length);
  frame.set(message, 5);
  return frame;
}
