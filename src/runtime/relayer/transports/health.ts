import { fastify } from "fastify";

export type Health = {
  /** The relay port's answer to /health, /healthz and /ready (relay-path 6.2, step 1). */
  readonly status: () => { readonly ready: boolean; readonly blockHeight: bigint };
  /** What /ready/<service> answers; undefined when the service is not served. */
  readonly readiness: (service: string) => { readonly ready: boolean } | undefined;
};

/** Asks for a service and names none. */
const NO_SERVICE = /^\/ready\/(\?|$)/;
const OPERATOR_PATHS = /^\/(health|healthz|ready|ready\/[^/?]*)\/?(\?|$)/;

/** Whether a request is for the operator; load balancers ask with HEAD as well. Everything else on the relay port is a relay. */
export const isOperators = (method: string | undefined, path: string | undefined): boolean =>
  (method === "GET" || method === "HEAD") && OPERATOR_PATHS.test(path ?? "");

export function operatorRoutes(health: Health) {
  const app = fastify({ logger: false, routerOptions: { ignoreTrailingSlash: true } });
  // Without the charset that fastify adds: the Go peer's bytes.
  app.addHook("onSend", async (_request, reply) => void reply.header("content-type", "application/json"));
  for (const path of ["/health", "/healthz", "/ready"])
    app.get(path, async ({ url }, reply) => {
      if (NO_SERVICE.test(url)) return reply.code(400).send({ error: "no service id" });
      const { ready, blockHeight } = health.status();
      const isWell = ready || path !== "/ready";
      return reply
        .code(isWell ? 200 : 503)
        .send({ status: isWell ? "healthy" : "not ready", block_height: Number(blockHeight) });
    });
  app.get<{ Params: { service: string } }>("/ready/:service", async (request, reply) => {
    const { service } = request.params;
    const told = health.readiness(service);
    if (told === undefined) return reply.code(404).send({ error: "the service is not served here" });
    return reply.code(told.ready ? 200 : 503).send(told);
  });
  return app;
}

export type OperatorRoutes = ReturnType<typeof operatorRoutes>;
