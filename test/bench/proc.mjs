/** What the kernel says of a process: CPU time of all its threads, of its main thread, and memory. Linux only. */
import { readdirSync, readFileSync } from "node:fs";

/** _SC_CLK_TCK, which is 100 on every Linux. */
const TICKS_A_SECOND = 100;

/** user + sys of the whole process, ended threads too, in microseconds, to 10 ms. */
function processCpu(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The name in parentheses may have blanks; utime and stime are the 12th and 13th field after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / TICKS_A_SECOND;
}

/** Of one thread, in microseconds, exact. */
const threadCpu = (pid, thread) =>
  Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ")[0]) / 1000;

/** Bytes that are in memory now. */
export function residentBytes(pid) {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1")) ?? [];
  return Number(kilobytes) * 1024;
}

/** Microseconds since the process began: of all threads, and of the one that runs the event loop. */
export const cpuOf = (pid) => ({ all: processCpu(pid), main: threadCpu(pid, pid) });

/** How many threads there are now. */
export const threadsOf = (pid) => readdirSync(`/proc/${pid}/task`).length;
