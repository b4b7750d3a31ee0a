import type { Clock } from "../../base/clock.ts";
import { type Failure, failed, type Outcome } from "./outcome.ts";
import type { RelaySender } from "./sender.ts";
import type { SourcedRelay } from "./source.ts";
import { type Handshake, handshakeHeaders, isAnswerTo, RelaySocket } from "./websocket.ts";

export type WebSocketSenderOptions = {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly handshake: Handshake;
  readonly frames: "text" | "binary";
  readonly headers: Readonly<Record<string, string>>;
};

/** Opens a socket in the relay's session, to its supplier. */
export const openSocket = (
  { signers, supplier, url }: SourcedRelay,
  { handshake, headers, ...options }: WebSocketSenderOptions,
): Promise<RelaySocket | Failure> =>
  RelaySocket.open({
    ...options,
    url,
    headers: { ...handshakeHeaders(signers, supplier, handshake), ...headers },
  });

type Held = { readonly socket: RelaySocket; readonly name: string };

/** A connection for each worker, kept for one session and supplier; one message at a time is on its way. Pushes are read and left out. */
export function webSocketSender(options: WebSocketSenderOptions): RelaySender {
  const held = new Map<number, Held>();
  const drop = async (worker: number) => {
    const old = held.get(worker);
    held.delete(worker);
    await old?.socket.close();
  };
  const socketOf = async (relay: SourcedRelay, worker: number): Promise<RelaySocket | Failure> => {
    const name = `${relay.url} ${relay.supplier.address} ${relay.signers.header.sessionId}`;
    const known = held.get(worker);
    if (known?.name === name) return known.socket;
    await drop(worker);
    const socket = await openSocket(relay, options);
    if (socket instanceof RelaySocket) held.set(worker, { socket, name });
    return socket;
  };
  return {
    send: async (relay, worker) => {
      const start = options.clock.monotonic();
      const socket = await socketOf(relay, worker);
      if (!(socket instanceof RelaySocket)) return failed(socket);
      const outcome = await exchange(socket, relay, start, options);
      if (outcome.kind === "failed") await drop(worker);
      return outcome;
    },
    close: async () => {
      await Promise.all([...held.keys()].map(drop));
    },
  };
}

async function exchange(
  socket: RelaySocket,
  relay: SourcedRelay,
  start: number,
  { clock, timeoutMs }: WebSocketSenderOptions,
): Promise<Outcome> {
  socket.send(relay);
  for (;;) {
    const received = await socket.next(relay, start + timeoutMs - clock.monotonic());
    if (received.kind === "failed") return received;
    const { answer, atMs } = received;
    if (isAnswerTo(relay.request.payload, answer.response.payload))
      return { kind: "answered", latencyMs: atMs - start, answers: [answer] };
  }
}
