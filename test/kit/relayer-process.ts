import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Network } from "./network.ts";

const ROOT = process.env["RELAYMINER_ROOT"] ?? fileURLToPath(new URL("../..", import.meta.url));

export type RelayerProcess = {
  readonly url: string;
  readonly configFile: string;
  readonly child: ChildProcess;
  readonly log: () => string;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
};

/** `relayminer relay start` in a process of its own, on the network's Redis, chain and backend. Runs what `npm run build` made. */
export async function startRelayerProcess(
  network: Network,
  name: string,
  settings: Readonly<Record<string, unknown>> = {},
  flags: readonly string[] = [],
  input?: string,
): Promise<RelayerProcess> {
  const config = JSON.parse(readFileSync(network.configFile, "utf8"));
  const file = `${network.configFile}.${name}`;
  const { relay, ...others } = settings;
  writeFileSync(
    file,
    JSON.stringify({
      ...config,
      ...others,
      relay: { ...config.relay, verify_workers: 1, instance_id: name, ...(relay as object | undefined) },
    }),
  );
  const child = spawn(
    process.execPath,
    [`${ROOT}/bin/run.js`, "relay", "start", "--config", file, ...flags],
    { stdio: [input === undefined ? "ignore" : "pipe", "ignore", "pipe"] },
  );
  child.stdin?.end(input);
  let log = "";
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.once("exit", (code, signal) => resolve(code ?? signal)),
  );
  const port = await new Promise<number>((resolve, reject) => {
    child.stderr?.on("data", (data) => {
      log += String(data);
      const [, found] = /"port":(\d+).*relayer is serving/.exec(log) ?? [];
      if (found !== undefined) resolve(Number(found));
    });
    void ended.then((how) => reject(new Error(`the relayer ended with ${how}: ${log}`)));
  });
  return { url: `http://127.0.0.1:${port}`, configFile: file, child, log: () => log, ended };
}
