export type Health = {
  /** The relay port's answer to /health, /healthz and /ready (relay-path 6.2, step 1). */
  readonly status: () => { readonly ready: boolean; readonly blockHeight: bigint };
  /** What /ready/<service> answers; undefined when the service is not served. */
  readonly readiness: (service: string) => { readonly ready: boolean } | undefined;
};

const OPERATOR_PATHS = /^\/(?:health|healthz|ready\/([^/?]*)|ready)\/?(?:\?|$)/;

/** Whether a request is for the operator; load balancers ask with HEAD as well. Everything else on the relay port is a relay. */
export const isOperators = (method: string | undefined, path: string | undefined): boolean =>
  (method === "GET" || method === "HEAD") && OPERATOR_PATHS.test(path ?? "");

/** The answer to an operator's path: status and JSON. Cheap, since whoever can reach the port can ask, again and again. */
export function operatorAnswer(health: Health, path: string): { status: number; body: Buffer } {
  const [, service] = OPERATOR_PATHS.exec(path) ?? [];
  const told = service === undefined ? statusOf(health, path) : readinessOf(health, service);
  return { status: told.status, body: Buffer.from(JSON.stringify(told.json), "utf8") };
}

function statusOf(health: Health, path: string) {
  const { ready, blockHeight } = health.status();
  const isWell = ready || !path.startsWith("/ready");
  return {
    status: isWell ? 200 : 503,
    json: { status: isWell ? "healthy" : "not ready", block_height: Number(blockHeight) },
  };
}

function readinessOf(health: Health, written: string) {
  const service = decoded(written);
  if (service === "") return { status: 400, json: { error: "no service id" } };
  const told = service === undefined ? undefined : health.readiness(service);
  if (told === undefined) return { status: 404, json: { error: "the service is not served here" } };
  return { status: told.ready ? 200 : 503, json: told };
}

function decoded(written: string): string | undefined {
  try {
    return decodeURIComponent(written);
  } catch {
    return undefined;
  }
}
