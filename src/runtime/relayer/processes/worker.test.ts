import { EventEmitter } from "node:events";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { systemClock } from "../../../base/clock.ts";
import { type Channel, serveAsWorker } from "./worker.ts";

test("a reload that is asked for while the relayer starts is done when it has started", async () => {
  const channel = new EventEmitter();
  const reloads: string[] = [];
  const draining = new AbortController();
  const relayer = {
    port: 1,
    isReady: () => true,
    readiness: () => undefined,
    registry: new Registry(),
    drainAsked: draining.signal,
    reload: async (why: string) => {
      reloads.push(why);
      return { result: "unchanged", changes: [], added: [], removed: [] } as const;
    },
    drain: async () => undefined,
  };
  let start: (started: typeof relayer) => void = () => undefined;
  const starting = new Promise<typeof relayer>((resolve) => {
    start = resolve;
  });
  const served = serveAsWorker({
    start: () => starting,
    environment: () => undefined,
    channel: channel as Channel,
    clock: systemClock,
  });
  channel.emit("message", { kind: "reload" });
  await new Promise(setImmediate);
  expect(reloads).toEqual([]);
  start(relayer);
  await new Promise(setImmediate);
  expect(reloads).toEqual(["SIGHUP"]);
  channel.emit("message", { kind: "reload" });
  await new Promise(setImmediate);
  expect(reloads).toHaveLength(2);
  draining.abort();
  await served;
});
