import { AppError, toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { isRefused, type RedisClient } from "./client.ts";
import { textOf } from "./reply.ts";

/** What the server says of itself. A warning is a sentence for the operator: money is at risk, the process starts all the same. */
export type ServerReport = {
  readonly version: string;
  readonly mode: string;
  readonly appendOnly: boolean;
  readonly lastWriteOk: boolean;
  readonly policy: string;
  /** Since the process started, when this was asked. */
  readonly upSeconds: number;
  readonly usedBytes: number;
  readonly maxBytes: number;
  readonly warnings: readonly string[];
};

const OLDEST = [6, 2] as const;

/** Reads INFO; needs no other right. Throws REDIS_REFUSED when the user may not even do that. */
export async function inspectServer(redis: RedisClient): Promise<ServerReport> {
  const info = parseInfo(textOf(await redis.send("INFO")));
  const field = (name: string) => info.get(name) ?? "";
  const report = {
    version: field("redis_version"),
    mode: field("redis_mode"),
    appendOnly: field("aof_enabled") === "1",
    lastWriteOk: field("aof_last_write_status") !== "err",
    policy: field("maxmemory_policy"),
    upSeconds: Number(field("uptime_in_seconds")),
    usedBytes: Number(field("used_memory")),
    maxBytes: Number(field("maxmemory")),
  };
  return { ...report, warnings: warningsOf(report) };
}

/** The name that this server process gave itself when it started; undefined when it does not tell. Throws what `send` throws. */
export async function runIdOf(redis: RedisClient): Promise<string | undefined> {
  try {
    return parseInfo(textOf(await redis.send("INFO", "server"))).get("run_id");
  } catch (thrown) {
    if (isRefused(thrown, "NOPERM")) return undefined;
    throw thrown;
  }
}

/** Throws REDIS_LOADING while the server still reads its data from disk and answers nothing else. */
export async function requireLoaded(redis: RedisClient, shown: string): Promise<void> {
  let info: Map<string, string>;
  try {
    info = parseInfo(textOf(await redis.send("INFO", "persistence")));
  } catch (thrown) {
    if (isRefused(thrown, "NOPERM")) return;
    throw thrown;
  }
  if (info.get("loading") !== "1") return;
  const seconds = info.get("loading_eta_seconds") ?? "unknown";
  throw new AppError("REDIS_LOADING", `Redis at ${shown} is loading its data`, { secondsItExpects: seconds });
}

/** Throws REDIS_UNSUPPORTED on a server that cannot run our commands; logs every warning. */
export async function requireServer(redis: RedisClient, logger: Logger): Promise<ServerReport | undefined> {
  try {
    const report = await inspectServer(redis);
    for (const warning of report.warnings) logger.warn({ version: report.version }, warning);
    if (!isNewEnough(report.version))
      throw new AppError("REDIS_UNSUPPORTED", `Redis ${report.version} is too old: 6.2 or newer is needed`, {
        version: report.version,
      });
    if (report.mode === "cluster")
      throw new AppError(
        "REDIS_UNSUPPORTED",
        "Redis Cluster is not supported: the Go peer's keys have no hash tag",
      );
    return report;
  } catch (thrown) {
    if (!isRefused(thrown, "NOPERM")) throw thrown;
    logger.warn(
      { error: toError(thrown).message },
      "Redis does not let us read INFO: its version and durability are unknown",
    );
    return undefined;
  }
}

const parseInfo = (text: string): Map<string, string> =>
  new Map(
    text
      .split("\r\n")
      .filter((line) => line.includes(":"))
      .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]),
  );

function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

function warningsOf(report: Omit<ServerReport, "warnings">): string[] {
  const warnings: string[] = [];
  if (report.policy !== "noeviction")
    warnings.push(
      `Redis evicts keys (maxmemory-policy ${report.policy}): set noeviction, or relays are lost`,
    );
  if (!report.appendOnly)
    warnings.push("Redis keeps no append-only file: set appendonly yes, or a restart loses relays");
  if (!report.lastWriteOk) warnings.push("Redis cannot write its append-only file: look at its disk");
  return warnings;
}
