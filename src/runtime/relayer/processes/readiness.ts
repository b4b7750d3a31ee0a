import type { ToldReadiness } from "./messages.ts";

/**
 * What `/ready/<service>` answers for several processes: ready when one is, with the load of all, and beside it what each says. Each
 * watches its endpoints by what it saw itself: what stands outside `processes` is by a process that is ready, if there is one.
 */
export function readinessOfAll(service: string, answers: ReadonlyMap<number, ToldReadiness>) {
  const told = [...answers].flatMap(([number, answer]) =>
    typeof answer === "string" ? [] : [[number, answer] as const],
  );
  const [, shown] = told.find(([, { ready }]) => ready) ?? told[0] ?? [];
  if (shown === undefined)
    return [...answers.values()].includes("not served") ? undefined : { service_id: service, ready: false };
  const total = (of: "in_flight" | "max_conns_per_host") =>
    told.reduce((sum, [, { pool }]) => sum + pool[of], 0);
  const [in_flight, max_conns_per_host] = [total("in_flight"), total("max_conns_per_host")];
  const saturation_pct = Math.round((100 * in_flight) / Math.max(1, max_conns_per_host));
  return {
    ...shown,
    pool: { ...shown.pool, in_flight, max_conns_per_host, saturation_pct },
    processes: Object.fromEntries(told),
  };
}
