import { z } from "zod";

/** Pieces that both roles' schemas use. Key names, types and defaults are those of the Go peer's YAML (go-peers 2.2, 2.3). */

/** A setting of the Go peer that is valid and has no effect here; a warning at start says why. */
export const unused = <Schema extends z.ZodType>(schema: Schema, why: string) =>
  schema.optional().meta({ unused: why });

/** A setting that is known and not built yet: any value but those listed is refused, never ignored. */
export const notYet = <Schema extends z.ZodType>(
  schema: Schema,
  what: string,
  harmless: readonly unknown[] = [],
) =>
  schema.optional().refine((value) => value === undefined || harmless.includes(value), {
    error: `not supported yet: ${what}`,
  });

/** A section that is not looked at unless its `enabled` is set: a template with blanks in it keeps nothing from starting (load.ts). */
export const onlyWhenEnabled = <Schema extends z.ZodType>(schema: Schema) =>
  schema.meta({ onlyWhenEnabled: true });

/** A setting whose blank value (nothing, an empty text or list, 0 for a number) means in a Go peer's file what leaving it out means (load.ts). */
export const blankIsUnset = <Schema extends z.ZodType>(schema: Schema) => schema.meta({ blankIsUnset: true });

export const positive = () => z.number().int().positive();
export const natural = () => z.number().int().nonnegative();

/** host:port, or :port for every interface. */
export const address = () =>
  z
    .string()
    .regex(/^(\[[0-9a-fA-F:]+\]|[^\s:]*):\d{1,5}$/, { error: "expected host:port" })
    .refine((text) => Number(text.slice(text.lastIndexOf(":") + 1)) <= 65_535, {
      error: "the port is above 65535",
    });

export function hostAndPort(text: string): { host: string; port: number } {
  const colon = text.lastIndexOf(":");
  const host = text.slice(0, colon).replace(/^\[|\]$/g, "");
  return { host: host === "" ? "0.0.0.0" : host, port: Number(text.slice(colon + 1)) };
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A Go duration such as "2h", "90s" or "1h30m", in milliseconds. */
export const duration = () =>
  z
    .string()
    .regex(/^(\d+(\.\d+)?(ms|s|m|h))+$/, { error: 'expected a duration such as "2h" or "90s"' })
    .transform(durationMs);

export function durationMs(text: string): number {
  let total = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g))
    total += Number(number) * (UNIT_MS[unit ?? ""] ?? 0);
  return total;
}

const prefix = (name: string) =>
  z
    .string()
    .regex(/^[A-Za-z0-9_.-]+$/, { error: "letters, digits, _ . - only" })
    .default(name);

const namespace = () =>
  z
    .strictObject({
      base_prefix: prefix("ha"),
      cache_prefix: prefix("cache"),
      events_prefix: prefix("events"),
      streams_prefix: prefix("relays"),
      miner_prefix: prefix("miner"),
      supplier_prefix: prefix("supplier"),
      meter_prefix: prefix("meter"),
      params_prefix: prefix("params"),
      consumer_group_prefix: prefix("miners"),
    })
    .prefault({});

const ONE_CONNECTION = "commands share one pipelined connection";

export const redisFields = () => ({
  url: z.string().default("redis://localhost:6379"),
  pool_size: unused(natural(), ONE_CONNECTION),
  min_idle_conns: unused(natural(), ONE_CONNECTION),
  pool_timeout_seconds: unused(natural(), ONE_CONNECTION),
  conn_max_idle_time_seconds: unused(natural(), ONE_CONNECTION),
  namespace: namespace(),
});

/** One endpoint, or several separated by commas: failover in that order. */
const rpcUrls = () =>
  z
    .string()
    .transform((text) => text.split(",").map((part) => part.trim().replace(/^tcp:/, "http:")))
    .refine((urls) => urls.every((url) => /^https?:\/\/\S+$/.test(url)), {
      error: "expected http:// or https:// URLs",
    });

export const pocketNodeFields = () => ({
  query_node_rpc_url: rpcUrls(),
  query_node_grpc_url: unused(z.string(), "all chain access goes through query_node_rpc_url"),
  grpc_insecure: unused(z.boolean(), "all chain access goes through query_node_rpc_url"),
  query_timeout_seconds: positive().default(5),
  chain_id: z.string().min(1).default("pocket"),
});

export const metricsSchema = (listen: string) =>
  z.strictObject({ enabled: z.boolean().default(true), addr: address().default(listen) }).prefault({});

export const pprofSchema = () =>
  unused(
    z.strictObject({ enabled: z.boolean().optional(), addr: z.string().optional() }),
    "a Go profiler; use node --cpu-prof",
  );

const GO_LOGGING = "the logger here is always asynchronous and unsampled";

export const loggingSchema = () =>
  z
    .strictObject({
      level: z.enum(["debug", "info", "warn", "error"]).default("info"),
      format: z.enum(["json", "text"]).default("json"),
      async: unused(z.boolean(), GO_LOGGING),
      async_buffer_size: unused(natural(), GO_LOGGING),
      async_poll_interval: unused(natural(), GO_LOGGING),
      sampling: unused(z.boolean(), GO_LOGGING),
      sampling_initial: unused(natural(), GO_LOGGING),
      sampling_thereafter: unused(natural(), GO_LOGGING),
      enable_caller: unused(z.boolean(), GO_LOGGING),
    })
    .prefault({});
