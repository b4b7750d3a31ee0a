import type { Closable } from "../../base/close-stack.ts";
import type { WebSocketSettings } from "../config/websocket.ts";
import { Bridges } from "./bridge/bridges.ts";
import type { HeaderOf } from "./bridge/handshake.ts";
import type { BridgeParts, Messages } from "./bridge/messages.ts";
import { untold } from "./bridge/metrics.ts";
import { Heights } from "./heights.ts";
import type { Live } from "./live.ts";
import type { Parts } from "./parts.ts";
import { simulatedSteps, simulatedWork } from "./simulation/messages.ts";
import { SIMULATION_HEADER } from "./simulation/simulated.ts";
import { openWebSocketTransport, type Upgrade } from "./transports/websocket.ts";

export type WebSockets = Closable & {
  readonly upgrade: Upgrade;
  /** Clients are told to go on elsewhere, and have so long to close. */
  drain(timeoutMs: number): Promise<void>;
};

/** What connections that ask for simulated relays are served with; undefined for others, and where these are not enabled. */
function simulatedBridges(shared: Omit<BridgeParts, "messages" | "metrics">, live: Live) {
  const metrics = untold();
  // Their sessions are none of the chain's: no block ends one.
  const heights = new Heights(shared.clock);
  return (header: HeaderOf): BridgeParts | undefined => {
    const { simulation } = live.current;
    const keyId = simulation && header(SIMULATION_HEADER);
    if (!simulation || !keyId) return undefined;
    const messages = (): Messages => ({
      steps: simulatedSteps(live.current.simulation ?? simulation, keyId),
      publishBeforeReply: false,
      users: live.current.users,
    });
    return { ...shared, heights, metrics, messages, work: simulatedWork(simulation, shared.work) };
  };
}

/** WebSocket relays, with all that they need of this process. */
export function openWebSockets(settings: WebSocketSettings, parts: Parts, live: Live): WebSockets {
  const { clock, work, heights, metrics, quietly, webSocketLimits: limits } = parts;
  const shared = { work, clock, heights, settings, room: limits.room };
  const bridges = new Bridges({
    ...shared,
    messages: () => live.current.messages,
    simulated: simulatedBridges(shared, live),
    reachable: () => live.current,
    metrics: metrics.webSocket,
    handshake: { mode: settings.handshake_signature, logger: quietly },
  });
  const stopReloads = live.onSwap(() => bridges.reloaded());
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
      stopReloads();
      bridges.close();
      await transport.close();
    },
  };
}
