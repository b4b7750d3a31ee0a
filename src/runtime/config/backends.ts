import { z } from "zod";
import { natural, notYet } from "./fields.ts";

/** The backends of a service in the relayer's YAML (go-peers 2.2). */

/** Backends that are asked over HTTP: one request, one answer. */
export const HTTP_KINDS = ["jsonrpc", "rest", "cometbft"] as const;
export type HttpKind = (typeof HTTP_KINDS)[number];

/** Every backend key of the Go peer (go-peers 1.9, B1). */
export const BACKEND_KINDS = [...HTTP_KINDS, "websocket", "grpc"] as const;
export type BackendKind = (typeof BACKEND_KINDS)[number];

const backendUrl = () =>
  z.union([z.string(), z.strictObject({ name: z.string().min(1), url: z.string() })]).transform((given) => {
    const url = typeof given === "string" ? given : given.url;
    return { name: typeof given === "string" ? given : given.name, url };
  });

const authentication = () =>
  z.strictObject({
    username: z.string().optional(),
    password: z.string().optional(),
    bearer_token: z.string().optional(),
    plain_token: z.string().optional(),
  });

const NO_HEALTH = "backend health checks; remove health_check or set enabled: false";

const healthCheck = () =>
  z
    .looseObject({ enabled: z.boolean().default(false) })
    .refine((check) => !check.enabled, { error: `not supported yet: ${NO_HEALTH}` });

export const backend = () =>
  z
    .strictObject({
      url: z.string().optional(),
      urls: z.array(backendUrl()).min(1).optional(),
      base_path: z.string().startsWith("/").optional(),
      load_balancing: z.enum(["first_healthy", "round_robin"]).optional(),
      headers: z.record(z.string(), z.string()).default({}),
      authentication: authentication().optional(),
      health_check: healthCheck().optional(),
      max_retries: notYet(
        z.number().int().min(0).max(3),
        "retries on another endpoint; set max_retries: 0",
        [0],
      ),
      recovery_timeout_seconds: notYet(natural(), "circuit breakers; set recovery_timeout_seconds: 0", [0]),
    })
    .superRefine((given, context) => {
      if ((given.url === undefined) === (given.urls === undefined))
        context.addIssue({ code: "custom", message: "give exactly one of url and urls" });
      for (const { url } of endpointsOf(given))
        if (!isHttpUrl(url))
          context.addIssue({ code: "custom", message: `"${url}" is not an http:// or https:// URL` });
      const urls = endpointsOf(given).map(({ url }) => url);
      if (new Set(urls).size !== urls.length)
        context.addIssue({ code: "custom", message: "the same URL is given twice" });
    })
    .transform(({ url, urls, ...rest }) => ({ ...rest, endpoints: endpointsOf({ url, urls }) }));

type Urls = {
  readonly url?: string | undefined;
  readonly urls?: readonly { name: string; url: string }[] | undefined;
};
const endpointsOf = ({ url, urls }: Urls) => urls ?? (url === undefined ? [] : [{ name: url, url }]);
const isHttpUrl = (text: string) => /^https?:\/\//.test(text) && URL.canParse(text);

export type BackendConfig = z.output<ReturnType<typeof backend>>;
