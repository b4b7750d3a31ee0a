import type { StreamedReply } from "../exchange.ts";
import type { Call } from "./call.ts";

const NOBODY: StreamedReply = {
  write: () => true,
  whenDrained: () => undefined,
  end: () => undefined,
  breakOff: () => undefined,
};

/** An answer in pieces (relay-path 6.4): chunks of HTTP/1.1, after which the connection is closed, or the data of a stream of HTTP/2. */
export function streamReply(
  call: Call,
  status: number,
  headers: readonly (readonly [string, string])[],
): StreamedReply {
  const values: Record<string, string[]> = {};
  for (const [name, value] of headers) {
    values[name] ??= [];
    values[name].push(value);
  }
  const reply = call.begin(status, values);
  if (reply === undefined) return NOBODY;
  return {
    write: (bytes) => reply.destroyed || reply.write(bytes),
    whenDrained: (act) => {
      reply.once("drain", act);
    },
    end: () => call.end(),
    breakOff: () => call.breakOff(),
  };
}
