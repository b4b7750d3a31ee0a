/** How many of the relays that are left go into this session: an even share, all of them in the last one. Pure. */
export function quota(left: number, sessionsLeft: number): number {
  return sessionsLeft <= 1 ? left : Math.ceil(left / sessionsLeft);
}

/** How many relays should have been sent after `elapsed` of `total` (both in ms), of `count` spread evenly. Pure. */
export function dueBy(elapsed: number, total: number, count: number): number {
  if (total <= 0 || elapsed >= total) return count;
  return Math.min(count, Math.floor((elapsed / total) * count) + 1);
}

/** The n-th of all pairs of a service and a supplier, round robin; both lists non-empty. Pure. */
export function pairOf(
  turn: number,
  services: number,
  suppliers: number,
): { service: number; supplier: number } {
  return { service: turn % services, supplier: Math.floor(turn / services) % suppliers };
}
