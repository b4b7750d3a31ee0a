/** What the kernel says of a process: CPU time of all its threads, of its main thread, and memory. Linux only. */
import { readdirSync, readFileSync } from "node:fs";

/** _SC_CLK_TCK, which is 100 on every Linux. */
const TICKS_A_SECOND = 100;
/** More than this between the two counts, in microseconds, cannot be rounding. */
const ROUNDING = 25_000;

/** user + sys of the whole process, ended threads too, in microseconds, rounded to 10 ms. */
function roundedCpu(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The name in parentheses may have blanks; utime and stime are the 12th and 13th field after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / TICKS_A_SECOND;
}

/** Of one thread, in microseconds, exact; 0 when it has just ended. */
function threadCpu(pid, thread) {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ")[0]) / 1000;
  } catch {
    return 0;
  }
}

/** Bytes that are in memory now. */
export function residentBytes(pid) {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1")) ?? [];
  return Number(kilobytes) * 1024;
}

/** CPU time since the process began, for `cpuBetween`. */
export function cpuOf(pid) {
  const threads = readdirSync(`/proc/${pid}/task`);
  const exact = threads.reduce((sum, thread) => sum + threadCpu(pid, thread), 0);
  return { exact, rounded: roundedCpu(pid), main: threadCpu(pid, pid) };
}

/** Microseconds of all threads, and of the one that runs the event loop. */
export function cpuBetween(before, after) {
  const exact = after.exact - before.exact;
  const rounded = after.rounded - before.rounded;
  // The exact count knows nothing of threads that have ended meanwhile.
  return { all: rounded - exact > ROUNDING ? rounded : exact, main: after.main - before.main };
}
