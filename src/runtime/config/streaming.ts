import { z } from "zod";
import { natural, positive } from "./fields.ts";

/** Answers that come as streams of lines (go-peers 1.1, T10): which of a service's are passed on as they come, and within what bounds. */

const MAX_LINE_BYTES = 4 * 1024 * 1024;

const contentType = () =>
  z.string().regex(/^[a-z0-9.+-]+\/[a-z0-9.+-]+$/, { error: 'expected a type such as "text/event-stream"' });

export const streaming = () =>
  z
    .strictObject({
      enabled: z.boolean().default(false),
      content_types: z.array(contentType()).min(1).default(["text/event-stream", "application/x-ndjson"]),
      timeout_profile: z.string().default("streaming"),
      at_time_limit: z.enum(["break_off", "end"]).default("break_off"),
      idle_seconds: natural().default(120),
      max_line_bytes: z.number().int().min(1_024).max(MAX_LINE_BYTES).default(262_144),
      max_megabytes: z.number().int().min(1).max(100).default(100),
    })
    .prefault({});

export type StreamingConfig = z.output<ReturnType<typeof streaming>>;

/** Of all streams together, under `relay`. */
export const streamLimits = () =>
  z
    .strictObject({
      max_streams: positive().max(16_384).default(256),
      slow_client_seconds: positive().default(30),
    })
    .prefault({});
