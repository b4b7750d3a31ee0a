import { createWriteStream } from "node:fs";
import type { Clock } from "../../../base/clock.ts";
import type { Closable } from "../../../base/close-stack.ts";
import type { LogFields, Logger } from "../../../base/logger.ts";

/** A log of this process in a file, one JSON object a line: the screen belongs to the progress. */
export function openFileLogger(path: string, clock: Clock): Logger & Closable {
  const stream = createWriteStream(path, { flags: "a", mode: 0o600 });
  stream.on("error", () => undefined);
  const write = (level: string) => (fields: LogFields, message: string) => {
    const time = new Date(clock.now()).toISOString();
    stream.write(`${JSON.stringify({ level, time, ...fields, msg: message }, bigintsAsText)}\n`);
  };
  return {
    debug: () => undefined,
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    close: () => new Promise((resolve) => stream.end(() => resolve())),
  };
}

const bigintsAsText = (_: string, value: unknown): unknown =>
  typeof value === "bigint" ? value.toString() : value;
