import { z } from "zod";
import { blankIsUnset, natural } from "./fields.ts";
import { type HealthCheckConfig, healthCheck } from "./health-check.ts";

/** The backends of a service in the relayer's YAML (go-peers 2.2). */

/** Backends that are asked over HTTP: one request, one answer. */
export const HTTP_KINDS = ["jsonrpc", "rest", "cometbft"] as const;

/** Every backend key of the Go peer (go-peers 1.9, B1). */
export const BACKEND_KINDS = [...HTTP_KINDS, "websocket", "grpc"] as const;
export type BackendKind = (typeof BACKEND_KINDS)[number];

const backendUrl = () =>
  z
    .union([z.string(), z.strictObject({ name: z.string().min(1).max(64), url: z.string() })])
    .transform((given) => (typeof given === "string" ? { url: given } : given));

const authentication = () =>
  z.strictObject({
    username: blankIsUnset(z.string().optional()),
    password: blankIsUnset(z.string().optional()),
    bearer_token: blankIsUnset(z.string().optional()),
    plain_token: blankIsUnset(z.string().optional()),
  });

/** Backends that are asked over HTTP. */
export const backend = () => backendOf(["http", "https"]);

/** The Go peer takes no other schemes here (go-peers 2.2). */
export const websocketBackend = () => backendOf(["ws", "wss"]);

type Schemes = readonly [string, string];

const backendOf = (schemes: Schemes) =>
  z
    .strictObject({
      url: blankIsUnset(z.string().optional()),
      urls: blankIsUnset(z.array(backendUrl()).min(1).optional()),
      base_path: blankIsUnset(z.string().startsWith("/").optional()),
      load_balancing: blankIsUnset(z.enum(["first_healthy", "round_robin"]).optional()),
      headers: z.record(z.string(), z.string()).default({}),
      authentication: authentication().optional(),
      health_check: healthCheck().optional(),
      /** Tries at another endpoint after a server fault. */
      max_retries: z.number().int().min(0).max(3).default(1),
      /** How long the breaker keeps an endpoint out; 0: it never does. */
      recovery_timeout_seconds: natural().max(86_400).optional(),
    })
    .superRefine((given, context) => {
      for (const { path = [], message } of [...urlProblems(given, schemes), ...checkProblems(given)])
        context.addIssue({ code: "custom", path, message });
    })
    .transform(({ url, urls, ...rest }) => ({ ...rest, endpoints: named(endpointsOf({ url, urls })) }));

type Given = { readonly name?: string | undefined; readonly url: string };
type Urls = { readonly url?: string | undefined; readonly urls?: readonly Given[] | undefined };
const endpointsOf = ({ url, urls }: Urls): readonly Given[] => urls ?? (url === undefined ? [] : [{ url }]);
const urlOf = ([plain, secure]: Schemes) =>
  `${plain === "http" ? "an" : "a"} ${plain}:// or ${secure}:// URL`;
const hasTwice = (texts: readonly string[]) => new Set(texts).size !== texts.length;

type Problem = { readonly path?: string[]; readonly message: string };

function* urlProblems(given: Urls, schemes: Schemes): Generator<Problem> {
  if ((given.url === undefined) === (given.urls === undefined))
    yield { message: "give exactly one of url and urls" };
  const endpoints = endpointsOf(given);
  for (const { url } of endpoints)
    if (!schemes.some((scheme) => url.startsWith(`${scheme}://`)) || !URL.canParse(url))
      yield { message: `"${url}" is not ${urlOf(schemes)}` };
  if (hasTwice(endpoints.map(({ url }) => url))) yield { message: "the same URL is given twice" };
  if (hasTwice(endpoints.flatMap(({ name }) => (name === undefined ? [] : [name]))))
    yield { message: "the same name is given twice" };
}

type Checked = {
  readonly health_check?: HealthCheckConfig | undefined;
  readonly base_path?: string | undefined;
};

function* checkProblems({ health_check, base_path }: Checked): Generator<Problem> {
  if (health_check?.enabled !== true) return;
  if (!health_check.interval_seconds)
    yield { path: ["health_check", "interval_seconds"], message: "enabled checks need one above 0" };
  if (!health_check.endpoint && base_path === undefined)
    yield {
      path: ["health_check", "endpoint"],
      message: "enabled checks need a path to ask, such as /health, or the backend a base_path",
    };
}

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
