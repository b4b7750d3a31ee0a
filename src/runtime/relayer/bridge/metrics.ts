import { Counter, Gauge, Registry } from "prom-client";

/** WebSocket relays. Services are configured ones, codes are those of relay-path 6.6. */
export function webSocketMetrics(registry: Registry) {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name: `ha_relayer_websocket_${name}`, help, labelNames, registers });
  return {
    active: new Gauge({
      name: "ha_relayer_websocket_connections_active",
      help: "WebSocket connections of clients, each with one of the backend",
      labelNames: ["service_id"],
      registers,
    }),
    total: counter("connections_total", "WebSocket connections accepted", ["service_id"]),
    messages: counter("messages_forwarded_total", "Messages that were sent on, by where to", [
      "service_id",
      "direction",
    ]),
    relays: counter(
      "relays_emitted_total",
      "Messages of backends that were signed, charged and stored as relays",
      ["service_id"],
    ),
    repeated: counter("messages_repeated_total", "Answers equal to one before: the same leaf, charged once", [
      "service_id",
    ]),
    held: counter("messages_held_total", "Messages of backends held until a first request", ["service_id"]),
    dropped: counter("messages_dropped_total", "Messages of backends that no client got, by reason", [
      "service_id",
      "reason",
    ]),
    handshakes: counter("handshakes_total", "Handshakes, by version and what came of their signature", [
      "version",
      "result",
    ]),
    closes: counter("closes_total", "Connections that ended, by close code towards the client", [
      "service_id",
      "code",
    ]),
  };
}

/** The same for connections of which these figures tell nothing. */
export const untold = (): WebSocketMetrics => webSocketMetrics(new Registry());

export type WebSocketMetrics = ReturnType<typeof webSocketMetrics>;
