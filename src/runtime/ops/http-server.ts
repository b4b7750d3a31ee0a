import { fastify } from "fastify";
import type { Closable } from "../../base/close-stack.ts";
import { AppError, toError } from "../../base/errors.ts";

type Route = {
  readonly path: string;
  readonly answer: () => Promise<{ readonly status: number; readonly type: string; readonly body: string }>;
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
    app.get(path, async (_request, reply) => {
      const { status, type, body } = await answer();
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

type Metrics = { readonly contentType: string; metrics(): Promise<string> };

export const metricsRoute = (registry: Metrics): Route => ({
  path: "/metrics",
  answer: async () => ({ status: 200, type: registry.contentType, body: await registry.metrics() }),
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
