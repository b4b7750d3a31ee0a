import type { Closable } from "../../base/close-stack.ts";
import type { WebSocketSettings } from "../config/websocket.ts";
import { Bridges } from "./bridges.ts";
import type { Live } from "./live.ts";
import type { Parts } from "./parts.ts";
import { openWebSocketTransport, type Upgrade } from "./transports/websocket.ts";

export type WebSockets = Closable & {
  readonly upgrade: Upgrade;
  /** Clients are told to go on elsewhere, and have so long to close. */
  drain(timeoutMs: number): Promise<void>;
};

/** WebSocket relays, with all that they need of this process. */
export function openWebSockets(settings: WebSocketSettings, parts: Parts, live: Live): WebSockets {
  const { clock, work, heights, metrics, quietly, webSocketLimits: limits } = parts;
  // Nothing is charged for a handshake; it is remembered as a relay is, so that nobody else can use it.
  const taken = parts.replays.once(async () => ({ refund: async () => undefined }));
  const bridges = new Bridges({
    messages: () => live.current.messages,
    reachable: () => live.current,
    work,
    metrics: metrics.webSocket,
    clock,
    heights,
    settings,
    room: limits.room,
    handshake: {
      mode: settings.handshake_signature,
      decode: parts.decode.handshake,
      verify: async (relay) => {
        const { steps } = live.current.messages;
        // Nobody may have the chain asked about any session he likes.
        steps.admit(relay);
        return steps.verify(relay);
      },
      once: async (relay, session) => {
        const { refund } = await taken(relay, session);
        return () => void refund();
      },
      metrics: metrics.webSocket,
      logger: quietly,
    },
  });
  const refused = (reject: Parameters<typeof work.refusedUnread>[0]) => work.refusedUnread(reject);
  const transport = openWebSocketTransport({ settings, limits, bridges, refused, clock });
  return {
    upgrade: transport.upgrade,
    drain: async (timeoutMs) => {
      const deadline = clock.monotonic() + timeoutMs;
      await bridges.drain(timeoutMs);
      await transport.idle(Math.max(0, deadline - clock.monotonic()));
    },
    close: async () => {
      bridges.close();
      await transport.close();
    },
  };
}
