import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { systemClock } from "../../../base/clock.ts";
import type { Relayer } from "../main.ts";
import { type Channel, serveAsWorker } from "./worker.ts";

test("a reload that is asked for while the relayer starts is done when it has started", async () => {
  const channel = new EventEmitter();
  const reloads: string[] = [];
  const draining = new AbortController();
  const relayer = {
    port: 1,
    isReady: () => true,
    drainAsked: draining.signal,
    reload: async (why: string) => void reloads.push(why),
    drain: async () => undefined,
  };
  let start: (relayer: Relayer) => void = () => undefined;
  const starting = new Promise<Relayer>((resolve) => {
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
  start(relayer as unknown as Relayer);
  await new Promise(setImmediate);
  expect(reloads).toEqual(["SIGHUP"]);
  channel.emit("message", { kind: "reload" });
  await new Promise(setImmediate);
  expect(reloads).toHaveLength(2);
  draining.abort();
  await served;
});
