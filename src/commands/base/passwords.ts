import { fstatSync } from "node:fs";
import { createInterface } from "node:readline";
import type { PasswordSource } from "../../runtime/keys/load-keys.ts";

/** Whoever pipes a password has it there; nobody is waited for longer. */
const PIPED_MS = 10_000;

/**
 * Passwords for keyrings from the environment, the terminal (without echo), or the first line of what is piped in; never from the
 * command line, where everybody could read them. What was entered once is kept for reloads.
 */
export function passwordsOfProcess(): PasswordSource {
  let entered: Promise<string | undefined> | undefined;
  return {
    // biome-ignore lint/style/noProcessEnv: the configuration names the variable
    environment: (name) => process.env[name],
    ask: (question) => {
      entered ??= enter(question);
      return entered;
    },
  };
}

async function enter(question: string): Promise<string | undefined> {
  if (process.stdin.isTTY) return typed(question);
  return isPiped() ? piped() : undefined;
}

/** Not a closed input or /dev/null, which have nothing to say. */
function isPiped(): boolean {
  try {
    const status = fstatSync(0);
    return status.isFIFO() || status.isFile() || status.isSocket();
  } catch {
    return false;
  }
}

function piped(): Promise<string | undefined> {
  const lines = createInterface({ input: process.stdin });
  return new Promise((resolve) => {
    const late = setTimeout(() => done(undefined), PIPED_MS);
    const done = (line: string | undefined) => {
      clearTimeout(late);
      resolve(line);
      lines.close();
      process.stdin.destroy();
    };
    lines.once("line", done);
    lines.once("close", () => done(undefined));
  });
}

const CTRL_C = "\u0003";
/** Enter, and Ctrl-D. */
const ENDS = new Set(["\r", "\n", "\u0004"]);
const ERASE = new Set(["\u007f", "\b"]);

/** One line from the terminal, not shown. Ctrl-C ends the process, as it does everywhere else. */
function typed(question: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(question);
  stdin.setRawMode(true);
  stdin.setEncoding("utf8");
  stdin.resume();
  return new Promise((resolve) => {
    let text = "";
    const end = () => {
      stdin.off("data", heard);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write("\n");
    };
    const press = (key: string) => {
      if (key === CTRL_C) {
        end();
        process.exit(130);
      }
      if (ENDS.has(key)) {
        end();
        resolve(text);
      } else text = ERASE.has(key) ? text.slice(0, -1) : text + key;
    };
    const heard = (data: string) => {
      for (const key of data) press(key);
    };
    stdin.on("data", heard);
  });
}
