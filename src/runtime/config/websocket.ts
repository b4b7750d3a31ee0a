import { z } from "zod";
import { duration, natural, positive } from "./fields.ts";

/** The relayer's settings for WebSocket relays, `relay.websocket` in its YAML. */

const MIB = 1_048_576;

/** A duration of at least one second. */
const seconds = (byDefault: string) =>
  duration()
    .refine((ms) => ms >= 1_000, { error: "at least 1s" })
    .prefault(byDefault);

export const websocketSettings = () =>
  z
    .strictObject({
      handshake_signature: z.enum(["off", "warn", "enforce"]).default("warn"),
      max_connections: positive().default(2_048),
      max_connections_per_address: positive().default(1_024),
      max_message_bytes: z
        .number()
        .int()
        .min(1_024)
        .max(64 * MIB)
        .default(15 * MIB),
      /** Messages of one connection, in each direction, whose check or storage goes on at once. */
      messages_at_once: positive().max(1_024).default(16),
      buffered_bytes: positive().default(MIB),
      total_buffered_mb: positive().default(256),
      early_messages: natural().max(1_024).default(16),
      dial_timeout: seconds("5s"),
      ping_interval: seconds("27s"),
      pong_timeout: seconds("30s"),
      write_timeout: seconds("10s"),
      idle_timeout: duration().prefault("10m"),
      session_end_lead_blocks: natural().max(1_000).default(0),
      session_end_wait: duration().prefault("2s"),
    })
    .prefault({});

export type WebSocketSettings = z.output<ReturnType<typeof websocketSettings>>;
