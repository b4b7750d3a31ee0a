import type { InvalidationReport, Unacknowledged } from "../../../runtime/cache/invalidate.ts";
import { duration, grouped } from "./text.ts";

const KEYS_SHOWN = 10;

/** What `cache invalidate --json` prints. */
export const reportJson = (report: InvalidationReport) => ({
  entity: report.entity,
  key: report.key,
  ...(report.dryRun && { dry_run: true }),
  expected: report.expected,
  acked: report.acked,
  replicas: report.dryRun ? report.replicas.map(({ id, role }) => ({ id, role })) : report.replicas,
  missing: report.missing,
  deleted: report.deleted.map(({ key, ageMs }) => ({ key, ...(ageMs !== undefined && { age_ms: ageMs }) })),
});

/** What `cache invalidate` prints of deletions and answers (design: screens). */
export function reportLines(report: InvalidationReport, fresh: readonly string[]): string[] {
  const { entity, key, dryRun, replicas, unacknowledged } = report;
  const [deleted, acked] = dryRun ? ["would delete", "would ask"] : ["deleted", "acked"];
  const width = dryRun ? 14 : 10;
  const line = (label: string, text: string) => `  ${label.padEnd(width)}${text}`;
  const answers = replicas.map(({ id, role, ms }) => `${role} ${id}${dryRun ? "" : ` ${duration(ms)}`}`);
  return [
    key === "*" ? entity : `${entity} ${key}`,
    ...deletedTexts(report).map((text) => line(deleted ?? "", text)),
    ...(answers.length > 0 ? [line(acked ?? "", answers.join(" · "))] : []),
    ...unacknowledged.map((replica) => line("missing", inWords(replica))),
    ...fresh.map((text) => line("fresh", text)),
    total(report),
  ];
}

function deletedTexts({ deleted, dryRun }: InvalidationReport): string[] {
  if (deleted.length === 0) return ["nothing: Redis holds no copy"];
  const shown = deleted.slice(0, KEYS_SHOWN).map(({ key, ageMs }) => {
    const age = ageMs === undefined ? "" : `  (${dryRun ? "is" : "was"} ${duration(ageMs)} old)`;
    return `${key}${age}`;
  });
  const more = deleted.length - shown.length;
  return more > 0 ? [...shown, `and ${grouped(more)} more`] : shown;
}

/** "relayer r-3 (last heartbeat 7 s ago)", or what it answered. */
export function inWords({ id, role, beatAgeMs, error }: Unacknowledged): string {
  const beat = beatAgeMs === undefined ? "more than 10 s" : duration(beatAgeMs);
  const name = role === "unknown" ? id : `${role} ${id}`;
  return `${name} (${error === undefined ? `last heartbeat ${beat} ago` : `answered: ${error}`})`;
}

function total({ dryRun, expected, acked, replicas }: InvalidationReport): string {
  if (dryRun) return "dry run: nothing was changed";
  if (expected === 0) return "no replica is running: nobody to ask";
  const slowest = Math.max(0, ...replicas.map(({ ms }) => ms));
  const within = acked > 0 ? ` in ${duration(slowest)}` : "";
  return `${acked} of ${expected} replicas acknowledged${within}`;
}
