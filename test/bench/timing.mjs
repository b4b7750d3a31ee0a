/**
 * Microseconds that a synchronous piece of work takes, as tightly as can be told: neither the time that passes (other processes may have
 * the core) nor the CPU time of the process (the collector's threads are in it) is ever less, so the smaller one.
 */
export function microsecondsOf(work) {
  const start = process.hrtime.bigint();
  const cpu = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(cpu);
  const passed = Number(process.hrtime.bigint() - start) / 1_000;
  return Math.min(passed, user + system);
}
