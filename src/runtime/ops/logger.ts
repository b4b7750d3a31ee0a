import { destination, pino } from "pino";
import type { Logger } from "../../base/logger.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
type LogOptions = { readonly level: LogLevel; readonly format: "json" | "text"; readonly name: string };

/** A logger whose level can be changed while it is in use. */
export type LeveledLogger = Logger & { level: string };

/** Fields that must never reach a log, wherever a caller puts them. */
const SECRET = ["privateKey", "*.privateKey", "private_key", "*.private_key", "password", "*.password"];

/** The process's logger: one JSON object a line on stderr (stdout is for a command's own output), or plain text lines. */
export function openLogger({ level, format, name }: LogOptions): LeveledLogger {
  const base = {
    name,
    level,
    redact: { paths: SECRET, censor: "***" },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
  };
  if (format === "json") {
    const formatters = { level: (label: string) => ({ level: label }) };
    return pino({ ...base, formatters }, destination({ fd: 2, sync: false }));
  }
  return pino(base, { write: (line: string) => process.stderr.write(textLine(line)) });
}

const LABELS: Readonly<Record<number, string>> = { 20: "debug", 30: "info", 40: "warn", 50: "error" };

function textLine(line: string): string {
  const { time, level, msg, name, pid, hostname, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields).map(
    ([key, value]) => ` ${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return `${String(time)} ${LABELS[Number(level)] ?? String(level)} ${String(name)}: ${String(msg)}${rest.join("")}\n`;
}
