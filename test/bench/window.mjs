/** One window of load: relays that are signed already go to the relayers, and every answer is counted and timed. */
import { setTimeout as sleep } from "node:timers/promises";
import { quantile } from "./numbers.mjs";

const SAMPLES = 200;
const PACE_MS = 1;

/** What a window saw; `sample` are answers of status 200 with the relay's number, for checking them afterwards. */
class Tally {
  statuses = {};
  #latencies = [];
  sample = [];
  #start = performance.now();
  #last = this.#start;

  answered(status, body, number, since) {
    this.#last = performance.now();
    this.statuses[status] = (this.statuses[status] ?? 0) + 1;
    if (status !== 200) return;
    this.#latencies.push(this.#last - since);
    const count = this.#latencies.length;
    if (count % 50 === 1 && this.sample.length < SAMPLES)
      this.sample.push({ number, body: Uint8Array.from(body) });
  }

  result() {
    const seconds = (this.#last - this.#start) / 1000;
    const good = this.#latencies.length;
    const at = (part) => quantile(this.#latencies, part) ?? 0;
    return {
      ...{
        seconds,
        good,
        statuses: this.statuses,
        sample: this.sample,
        rps: seconds > 0 ? good / seconds : 0,
      },
      latencyMs: { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) },
    };
  }
}

/**
 * Closed loop: every connection sends its next relay as soon as it has an answer, until the time is over or there are no more relays.
 * Answers that are on their way then are waited for and counted.
 */
export function closedLoop({ connections, wires, tail, from, seconds, rounds = 1 }) {
  const tally = new Tally();
  const until = performance.now() + seconds * 1000;
  const total = wires.length * rounds;
  let next = 0;
  const keepSending = (connection) =>
    new Promise((resolve) => {
      const send = () => {
        if (next >= total || performance.now() >= until) return resolve();
        const index = next++ % wires.length;
        const since = performance.now();
        connection.send(wires[index], tail, (status, body) => {
          tally.answered(status, body, from + index, since);
          // A relayer that refuses connections would be asked without end in one turn of the loop.
          if (status === 0) setTimeout(send, 10);
          else send();
        });
      };
      send();
    });
  return Promise.all(connections.map(keepSending)).then(() => tally.result());
}

/**
 * Open loop: relays are due at a fixed rate, whatever the relayer does, and are timed from when they were due: one that waits for a free
 * connection waits because of the relayer. `behind` is how many were due and not sent at the end.
 */
export async function openLoop({ connections, wires, tail, from, seconds, rps, rounds = 1 }) {
  const tally = new Tally();
  const start = performance.now();
  const total = Math.min(wires.length * rounds, Math.floor(seconds * rps));
  const free = [...connections];
  let next = 0;
  let inFlight = 0;
  const dueAt = (number) => start + (number * 1000) / rps;
  const sendDue = () => {
    const now = performance.now();
    while (free.length > 0 && next < total && dueAt(next) <= now) {
      const connection = free.pop();
      const index = next % wires.length;
      const since = dueAt(next++);
      inFlight += 1;
      connection.send(wires[index], tail, (status, body) => {
        inFlight -= 1;
        free.push(connection);
        tally.answered(status, body, from + index, since);
        sendDue();
      });
    }
  };
  const end = start + seconds * 1000;
  while (next < total && performance.now() < end) {
    sendDue();
    await sleep(PACE_MS);
  }
  const behind = total - next;
  next = total;
  while (inFlight > 0) await sleep(PACE_MS);
  return { ...tally.result(), behind };
}
