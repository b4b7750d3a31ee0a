import { cacheScreen } from "./cache.ts";
import { fleetScreen } from "./fleet.ts";
import { queuesScreen } from "./queues.ts";
import type { Screen, ScreenId } from "./screen.ts";
import { sessionsScreen } from "./sessions.ts";

/** In the order of their number keys. */
export const SCREENS: readonly Screen[] = [sessionsScreen, queuesScreen, cacheScreen, fleetScreen];

const BY_ID = { sessions: sessionsScreen, queues: queuesScreen, cache: cacheScreen, fleet: fleetScreen };

export const screenOf = (id: ScreenId): Screen => BY_ID[id];
