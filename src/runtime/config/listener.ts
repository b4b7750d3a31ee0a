import { z } from "zod";
import { natural, positive } from "./fields.ts";

/** The relay port's own settings in the relayer's YAML, under `relay`. */

/** TLS on the relay port, for those without a proxy in front of it. */
export const tls = () =>
  z
    .strictObject({
      cert_file: z.string().min(1),
      key_file: z.string().min(1),
      min_version: z.enum(["TLSv1.2", "TLSv1.3"]).default("TLSv1.2"),
    })
    .optional();

/** How much of the relay port one client, or all of them, may use. */
export const limits = () =>
  z
    .strictObject({
      connections: positive().default(4096),
      /** 0: no bound. */
      connections_per_source: natural().default(0),
      /** Over HTTP/1.1, that wait for the answer to an earlier one of their connection; clients of the field send one at a time. */
      pipelined_requests: positive().max(1_000).default(10),
      streams_per_connection: positive().max(10_000).default(250),
      /** Above what one connection may have in work: a round of deadlines is no flood. */
      resets_per_second: positive().default(300),
      control_frames_per_second: positive().default(100),
      /** 0: none. */
      flood_penalty_seconds: natural().max(60).default(10),
      /** Answers that wait for their clients to read them, together. */
      unread_mb: positive().max(65_536).default(512),
    })
    .prefault({});

/** gRPC-Web for pages in browsers: none may call unless their origin is named, or any with "*". */
export const grpcWeb = () =>
  z
    .strictObject({
      allowed_origins: z
        .array(
          z.string().regex(/^(\*|https?:\/\/[^/\s]+)$/, {
            error: "expected an origin such as https://app.example, or *",
          }),
        )
        .default([]),
    })
    .prefault({});

/** The Go peer's key at the top of the file (go-peers 2.2). */
export const responseCompression = () =>
  z
    .strictObject({ enabled: z.boolean().default(false), min_size_bytes: natural().default(1024) })
    .prefault({});

export type CompressionConfig = z.output<ReturnType<typeof responseCompression>>;
export type TlsConfig = NonNullable<z.output<ReturnType<typeof tls>>>;
export type LimitsConfig = z.output<ReturnType<typeof limits>>;
