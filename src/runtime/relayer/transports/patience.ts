/** A request must be there after this time and that much for each megabyte it may have: slow senders hold no memory for long. */
const RECEIVE_MS = 30_000;
/** A client that reads slowly, or not at all, does not keep an answer in memory for ever. */
const SEND_MS = 30_000;
const MS_PER_MEGABYTE = 1_000;

const forMegabytes = (bytes: number): number => Math.ceil(bytes / 1_048_576) * MS_PER_MEGABYTE;

/** Milliseconds for a request of at most so many bytes to arrive. */
export const receiveMs = (maxBytes: number): number => RECEIVE_MS + forMegabytes(maxBytes);
/** Milliseconds for an answer of so many bytes to be read. */
export const sendMs = (bytes: number): number => SEND_MS + forMegabytes(bytes);
