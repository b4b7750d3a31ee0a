/**
 * A model, not a measurement: what a machine with more cores would serve, if a relay costs there what it cost here. Three things can end
 * first: the event loops (one core for each relayer process), redis-server (one core in all), or all cores together.
 */
const CORES = 16;
const PROCESSES = [1, 2, 4, 8];

/** `point`: microseconds a relay of the relayer in all, of its event loop's thread, of Redis. { rows, text } */
export function modelOf({ cpuUs, mainUs, redisUs }) {
  const rows = PROCESSES.map((processes) => {
    const limits = {
      "event loop": (processes * 1e6) / mainUs,
      "redis-server": 1e6 / redisUs,
      "all cores": (CORES * 1e6) / (cpuUs + redisUs),
    };
    const [bottleneck, rps] = Object.entries(limits).reduce((least, each) =>
      each[1] < least[1] ? each : least,
    );
    return { processes, rps, bottleneck, limits };
  });
  const lines = rows.map(
    ({ processes, rps, bottleneck, limits }) =>
      `| ${processes} | ${Math.round(rps)} | ${bottleneck} | ${Object.values(limits).map(Math.round).join(" / ")} |`,
  );
  const text = [
    `**A model, not a measurement.** ${CORES} cores, backend and gateways elsewhere, from the CPU of a relay at the default point above: ${Math.round(cpuUs)} µs in all, ${Math.round(mainUs)} µs of it on the event loop's thread, ${Math.round(redisUs)} µs of redis-server. It knows nothing of caches, memory, network or the kernel's locks, and a real machine serves less.`,
    "",
    "| relayer processes | relays a second at most | first to end | limits: event loops / redis-server / all cores |",
    "|---|---|---|---|",
    ...lines,
  ].join("\n");
  return { rows, text };
}
