/** Calls between the bench and a process it starts: one request, one answer, by number. A child whose bench is gone ends. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Starts `file` of this folder. `call(name, argument)` resolves with what its handler returned; rejects with what it threw. */
export async function startChild(file) {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), { serialization: "advanced" });
  const waiting = new Map();
  let number = 0;
  child.on("message", ({ id, error, result }) => {
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (error === undefined) resolve?.(result);
    else reject?.(new Error(`${file}: ${error}`));
  });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.once("exit", (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`${file} ended: ${code ?? signal}`));
  });
  return {
    pid: child.pid,
    call: (name, argument) =>
      new Promise((resolve, reject) => {
        number += 1;
        waiting.set(number, { resolve, reject });
        child.send({ id: number, name, argument });
      }),
    close: async () => {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

/** The child's side. */
export function answerCalls(handlers) {
  process.on("message", async ({ id, name, argument }) => {
    try {
      process.send({ id, result: await handlers[name](argument) });
    } catch (thrown) {
      process.send({ id, error: thrown instanceof Error ? thrown.stack : String(thrown) });
    }
  });
  process.on("disconnect", () => process.exit());
}
