import { fastify } from "fastify";
import type { Registry } from "prom-client";
import type { Closable } from "../../base/close-stack.ts";
import { AppError, toError } from "../../base/errors.ts";
import { metricsPage } from "./node-metrics.ts";

type Route = {
  readonly path: string;
  /** `params`: the parts of the path that have a name, as in `/ready/:service`. */
  readonly answer: (
    params: Readonly<Record<string, string>>,
  ) => Promise<{ readonly status: number; readonly type: string; readonly body: string }>;
};

type Options = {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly routes: readonly Route[];
};

export type OpsServer = Closable & { readonly port: number };

/** A small listener beside the work: metrics, health. GET only. Throws AppError LISTEN_FAILED. */
export async function openOpsServer({ name, host, port, routes }: Options): Promise<OpsServer> {
  const app = fastify({ logger: false, forceCloseConnections: true });
  for (const { path, answer } of routes)
    app.get<{ Params: Record<string, string> }>(path, async (request, reply) => {
      const { status, type, body } = await answer(request.params);
      return reply.code(status).type(type).send(body);
    });
  try {
    await app.listen({ host, port });
  } catch (thrown) {
    throw new AppError(
      "LISTEN_FAILED",
      `The ${name} address ${host}:${port} cannot be opened`,
      {},
      toError(thrown),
    );
  }
  const address = app.server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    close: () => app.close(),
  };
}

export const metricsRoute = (registry: Registry): Route => ({
  path: "/metrics",
  answer: async () => ({ status: 200, type: registry.contentType, body: await metricsPage(registry) }),
});

/** `/health`: the process lives. `/ready`: it can do its work (go-peers 2.5). */
export const healthRoutes = (ready: () => boolean): readonly Route[] => [
  { path: "/health", answer: async () => ({ status: 200, type: "text/plain", body: "OK" }) },
  {
    path: "/ready",
    answer: async () =>
      ready()
        ? { status: 200, type: "text/plain", body: "READY" }
        : { status: 503, type: "text/plain", body: "NOT READY" },
  },
];

type Readiness = { readonly ready: boolean } | undefined;

/** `/ready/<service>`: what is told of it in JSON, 503 when it is not ready, 404 when it is not served (go-peers 2.5). */
export const readyRoute = (of: (service: string) => Readiness | Promise<Readiness>): Route => ({
  path: "/ready/:service",
  answer: async ({ service = "" }) => {
    const told = await of(service);
    if (told === undefined) return { ...json({ error: "the service is not served here" }), status: 404 };
    return { ...json(told), status: told.ready ? 200 : 503 };
  },
});

const json = (value: unknown) => ({ type: "application/json", body: JSON.stringify(value) });
