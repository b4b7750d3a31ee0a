/** A world under load: one window at a time, with the CPU of every process around it and V before and after it. */
import { setTimeout as sleep } from "node:timers/promises";
import { startChild } from "./child.mjs";
import { openWorld } from "./world.mjs";

/** Relays that are signed beyond what the last window's rate would use. */
const MARGIN = 2;
const SIGNED_BYTES_AT_MOST = 600_000_000;
const FIRST_GUESS = 2_500;
const STORED_WITHIN_MS = 15_000;
/** The event loop's delay, as the relayer tells it; the first that is there. */
const LOOP_DELAY = ["ha_relayer_event_loop_delay_p99_seconds", "nodejs_eventloop_lag_p99_seconds"];

export const DEFAULTS = {
  ...{ modes: ["eager", "optimistic"], applications: 20, ring: 2, suppliers: 1, processes: 1 },
  ...{ connections: 32, body: 500, seconds: 5, warmSeconds: 3, config: {}, answerBytes: 300 },
};

/** Opens a world and a loader for each mode, warmed up. `window(mode, how)` measures one; `close()` ends everything. */
export async function openLoad(given) {
  const settings = { ...DEFAULTS, ...given };
  const world = await openWorld(settings);
  const loaders = {};
  const close = async () => {
    for (const loader of Object.values(loaders)) await loader.close();
    await world.close();
  };
  try {
    for (const mode of settings.modes) {
      loaders[mode] = await startChild("loader.mjs");
      await loaders[mode].call("open", {
        sessions: world.chain.sessions[mode],
        gatewaySecrets: world.chain.gateways.map(({ privateKey }) => privateKey),
        urls: world.relayers.map(({ url }) => url),
        body: settings.body,
      });
    }
    const load = { settings, world, loaders, rates: {}, close };
    load.window = (mode, how = {}) => window(load, mode, how);
    for (const mode of settings.modes)
      await load.window(mode, { seconds: settings.warmSeconds, isWarmUp: true });
    return load;
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** Signs what the window will need, then measures it. */
async function window(load, mode, how) {
  const { settings, world, loaders, rates } = load;
  const { connections, body } = settings;
  const { seconds, rps, isWarmUp = false } = { seconds: settings.seconds, ...how };
  const loader = loaders[mode];
  const wanted =
    Math.ceil(seconds * (rps ?? rates[mode] ?? FIRST_GUESS) * (rps === undefined ? MARGIN : 1)) + 1;
  const bytesEach = Math.min(body, 4_096) + 1_200;
  const count = how.count ?? Math.min(wanted, Math.floor(SIGNED_BYTES_AT_MOST / bytesEach));
  const { relayBytes } = await loader.call("sign", { count });
  await world.trim();
  const vBefore = isWarmUp ? 0 : await loader.call("yardstick");
  for (const relayer of world.relayers) await relayer.metrics();
  const before = await stateOf(world);
  const seen = await loader.call("load", { connections: how.connections ?? connections, seconds, rps });
  const { storedAfterMs, stored } = await untilStored(world, seen.good, before);
  const after = await stateOf(world);
  const v = isWarmUp ? undefined : (vBefore + (await loader.call("yardstick"))) / 2;
  world.check();
  if (seen.good === 0) throw new Error(`no relay was answered: ${JSON.stringify(seen.statuses)}`);
  rates[mode] = seen.rps;
  return { mode, ...seen, relayBytes, v, storedAfterMs, stored, ...costs(before, after, seen) };
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
  const spent = (part) =>
    after.cpu.relayers.reduce((sum, cpu, index) => sum + cpu[part] - before.cpu.relayers[index][part], 0) /
    good;
  return {
    cpuUs: spent("all"),
    mainUs: spent("main"),
    redisUs: (after.cpu.redis - before.cpu.redis) / good,
    rssBytes: { before: before.residentBytes, after: after.residentBytes },
    loopDelayP99Ms: after.loopDelayMs,
    skipped: after.skipped - before.skipped,
  };
}
