/** A world under load: one window at a time, with the CPU of every process around it and V before and after it. */
import { setTimeout as sleep } from "node:timers/promises";
import { startChild } from "./child.mjs";
import { cpuBetween } from "./proc.mjs";
import { SHARED_ABOVE } from "./requests.mjs";
import { openWorld } from "./world.mjs";

/** Relays that are signed beyond what the last window's rate would use. */
const MARGIN = 2;
const SIGNED_BYTES_AT_MOST = 600_000_000;
const FIRST_GUESS = 1_500;
const WARM_RELAYS = 4_000;
const STORED_WITHIN_MS = 15_000;
/** The event loop's delay, as the relayer tells it; the first that is there. */
const LOOP_DELAY = [
  'ha_relayer_event_loop_delay_seconds{quantile="p99"}',
  "nodejs_eventloop_lag_p99_seconds",
];

export const DEFAULTS = {
  ...{ modes: ["eager", "optimistic"], applications: 20, ring: 2, suppliers: 1, processes: 1 },
  ...{ connections: 32, body: 500, seconds: 5, warmSeconds: 12, config: {}, answerBytes: 300 },
};

/** Opens a world and a loader for each mode, warmed up. `window(mode, how)` measures one; `close()` ends everything. */
export async function openLoad(given) {
  const settings = { ...DEFAULTS, ...given };
  const world = await openWorld(settings);
  const loaders = {};
  const load = {
    ...{ settings, world, loaders, rates: {} },
    window: (mode, how = {}) => window(load, mode, how),
    close: async () => {
      for (const loader of Object.values(loaders)) await loader.close();
      await world.close();
    },
  };
  try {
    for (const mode of settings.modes) {
      loaders[mode] = await startChild("loader.mjs");
      const sessions = world.chain.sessions[mode].slice(0, settings.applications);
      await loaders[mode].call("open", planOf(load, { sessions }));
    }
    for (const mode of settings.modes) await warmUp(load, mode);
    return load;
  } catch (thrown) {
    await load.close();
    throw thrown;
  }
}

/**
 * A compiler warms up by calls, not by seconds: until the relayers have served `WARM_RELAYS` each, or it has taken `warmSeconds`, as it
 * does with large bodies.
 */
async function warmUp({ settings, world, window }, mode) {
  const until = performance.now() + settings.warmSeconds * 1000;
  for (let served = 0; served < WARM_RELAYS * world.relayers.length && performance.now() < until; )
    served += (await window(mode, { seconds: 1, isWarmUp: true })).good;
}

/** What a loader must know. `kind` is that of flood-requests.mjs; good relays without it. */
export const planOf = ({ settings, world }, { sessions, kind }) => ({
  ...{ sessions, kind, body: settings.body },
  gatewaySecrets: world.chain.gateways.map(({ privateKey }) => privateKey),
  urls: world.relayers.map(({ url }) => url),
});

/**
 * Signs what the window will need, then measures it. `how`: seconds, connections, rps for an open loop; `again`: the relays of the last
 * window are sent again, from the first on if there are too few; `beside()` runs at the same time, from `leadSeconds` before, and its result is
 * given too.
 */
async function window(load, mode, how) {
  const { settings, world, loaders, rates } = load;
  const { seconds, connections, rps, isWarmUp, again, beside, leadSeconds = 0 } = { ...settings, ...how };
  const loader = loaders[mode];
  if (!again) await loader.call("sign", { count: relaysFor(load, mode, { seconds, rps }) });
  await world.trim();
  const yardstick = () => (isWarmUp ? 0 : loader.call("yardstick"));
  const vBefore = await yardstick();
  for (const relayer of world.relayers) await relayer.metrics();
  const before = await stateOf(world);
  const besides = beside?.();
  if (besides !== undefined) await sleep(leadSeconds * 1000);
  const seen = await loader.call("load", { connections, seconds, rps, rounds: again ? 1_000 : 1 });
  const besideSeen = await besides;
  const { storedAfterMs, stored } = await untilStored(world, seen.good + (besideSeen?.good ?? 0), before);
  const after = await stateOf(world);
  const v = (vBefore + (await yardstick())) / 2;
  world.check();
  requireGood(seen);
  rates[mode] = seen.rps;
  return { mode, ...seen, v, beside: besideSeen, storedAfterMs, stored, ...costs(before, after, seen) };
}

/** How many relays to sign; large ones are kept within memory. */
function relaysFor({ settings, rates }, mode, { seconds, rps }) {
  const wanted = rps === undefined ? seconds * (rates[mode] ?? FIRST_GUESS) * MARGIN : seconds * rps;
  const bytesEach = Math.min(settings.body, SHARED_ABOVE) + 1_200;
  return Math.max(
    settings.connections,
    Math.min(Math.ceil(wanted) + 1, Math.floor(SIGNED_BYTES_AT_MOST / bytesEach)),
  );
}

function requireGood({ good, statuses, signatures }) {
  if (good === 0) throw new Error(`no relay was answered: ${JSON.stringify(statuses)}`);
  if (signatures.good < signatures.checked)
    throw new Error(`${signatures.checked - signatures.good} of ${signatures.checked} answers are not right`);
}

async function stateOf(world) {
  const metrics = await Promise.all(world.relayers.map((relayer) => relayer.metrics()));
  const total = (name) => metrics.reduce((sum, each) => sum + (each.get(name) ?? 0), 0);
  const name = LOOP_DELAY.find((each) => metrics[0].has(each));
  return {
    cpu: world.cpu(),
    residentBytes: world.residentBytes(),
    stored: await world.stored(),
    skipped: total("ha_relayer_relays_skipped_difficulty_total"),
    dropped: total("ha_relayer_relays_dropped_total"),
    loopDelayMs: Math.max(...metrics.map((each) => each.get(name) ?? 0)) * 1000,
  };
}

/**
 * Waits until every answered relay is stored or was above the difficulty: what optimistic mode has left to do belongs to the window.
 * Throws when they do not come out even: that would be a defect, and no figure of such a window is worth anything.
 */
async function untilStored(world, answered, before) {
  const start = performance.now();
  for (;;) {
    const stored = (await world.stored()) - before.stored;
    if (stored === answered) return { stored, storedAfterMs: performance.now() - start };
    const isLate = performance.now() > start + STORED_WITHIN_MS;
    if (stored > answered || isLate) {
      const { skipped, dropped } = await stateOf(world);
      const newlySkipped = skipped - before.skipped;
      if (stored + newlySkipped === answered) return { stored, storedAfterMs: performance.now() - start };
      throw new Error(
        `${answered} relays were answered, ${stored} are stored, ${newlySkipped} were above the difficulty, ${dropped - before.dropped} dropped`,
      );
    }
    await sleep(2);
  }
}

/** What one relay cost, in microseconds of CPU. */
function costs(before, after, { good }) {
  const relayers = after.cpu.relayers.map((cpu, index) => cpuBetween(before.cpu.relayers[index], cpu));
  const spent = (part) => relayers.reduce((sum, each) => sum + each[part], 0) / good;
  return {
    cpuUs: spent("all"),
    mainUs: spent("main"),
    redisUs: cpuBetween(before.cpu.redis, after.cpu.redis).all / good,
    rssBytes: { before: before.residentBytes, after: after.residentBytes },
    loopDelayP99Ms: after.loopDelayMs,
    skipped: after.skipped - before.skipped,
  };
}
