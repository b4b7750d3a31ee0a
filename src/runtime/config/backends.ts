import { z } from "zod";
import { natural, notYet } from "./fields.ts";
import { healthCheck } from "./health-check.ts";

/** The backends of a service in the relayer's YAML (go-peers 2.2). */

/** Backends that are asked over HTTP: one request, one answer. */
export const HTTP_KINDS = ["jsonrpc", "rest", "cometbft"] as const;
export type HttpKind = (typeof HTTP_KINDS)[number];

/** Every backend key of the Go peer (go-peers 1.9, B1). */
export const BACKEND_KINDS = [...HTTP_KINDS, "websocket", "grpc"] as const;
export type BackendKind = (typeof BACKEND_KINDS)[number];

const backendUrl = () =>
  z
    .union([z.string(), z.strictObject({ name: z.string().min(1).max(64), url: z.string() })])
    .transform((given) => (typeof given === "string" ? { url: given } : given));

const authentication = () =>
  z.strictObject({
    username: z.string().optional(),
    password: z.string().optional(),
    bearer_token: z.string().optional(),
    plain_token: z.string().optional(),
  });

const NO_CHECKS = "not supported yet: backend health checks; remove health_check or set enabled: false";

export const backend = () =>
  z
    .strictObject({
      url: z.string().optional(),
      urls: z.array(backendUrl()).min(1).optional(),
      base_path: z.string().startsWith("/").optional(),
      load_balancing: z.enum(["first_healthy", "round_robin"]).optional(),
      headers: z.record(z.string(), z.string()).default({}),
      authentication: authentication().optional(),
      health_check: healthCheck()
        .refine((check) => !check.enabled, { error: NO_CHECKS })
        .optional(),
      max_retries: notYet(
        z.number().int().min(0).max(3),
        "retries on another endpoint; set max_retries: 0",
        [0],
      ),
      /** How long the breaker keeps an endpoint out; 0: it never does. */
      recovery_timeout_seconds: natural().max(86_400).optional(),
    })
    .superRefine((given, context) => {
      if ((given.url === undefined) === (given.urls === undefined))
        context.addIssue({ code: "custom", message: "give exactly one of url and urls" });
      const endpoints = endpointsOf(given);
      for (const { url } of endpoints)
        if (!isHttpUrl(url))
          context.addIssue({ code: "custom", message: `"${url}" is not an http:// or https:// URL` });
      if (hasTwice(endpoints.map(({ url }) => url)))
        context.addIssue({ code: "custom", message: "the same URL is given twice" });
      if (hasTwice(endpoints.flatMap(({ name }) => (name === undefined ? [] : [name]))))
        context.addIssue({ code: "custom", message: "the same name is given twice" });
    })
    .transform(({ url, urls, ...rest }) => ({ ...rest, endpoints: named(endpointsOf({ url, urls })) }));

type Given = { readonly name?: string | undefined; readonly url: string };
type Urls = { readonly url?: string | undefined; readonly urls?: readonly Given[] | undefined };
const endpointsOf = ({ url, urls }: Urls): readonly Given[] => urls ?? (url === undefined ? [] : [{ url }]);
const isHttpUrl = (text: string) => /^https?:\/\//.test(text) && URL.canParse(text);
const hasTwice = (texts: readonly string[]) => new Set(texts).size !== texts.length;

/** Names stand in logs, metrics and on the dashboard: an endpoint without one has its host's, not a URL with keys in it. */
function named(endpoints: readonly Given[]): readonly { readonly name: string; readonly url: string }[] {
  const seen = new Map<string, number>();
  return endpoints.map(({ name, url }) => {
    const base = name ?? new URL(url).host;
    const count = (seen.get(base) ?? 0) + 1;
    seen.set(base, count);
    return { name: count === 1 ? base : `${base}#${count}`, url };
  });
}

export type BackendConfig = z.output<ReturnType<typeof backend>>;
