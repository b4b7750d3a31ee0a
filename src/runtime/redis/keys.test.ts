import { expect, test } from "vitest";
import { redisKeys } from "./keys.ts";

const keys = redisKeys({
  base_prefix: "ha",
  cache_prefix: "cache",
  events_prefix: "events",
  streams_prefix: "relays",
  miner_prefix: "miner",
  supplier_prefix: "supplier",
  meter_prefix: "meter",
  params_prefix: "params",
  consumer_group_prefix: "miners",
});

test.each(["", "a:b", "*", "a b", "{a}", "a?", "[a]", "a\n", "é", "a".repeat(257)])(
  "the id %j never becomes part of a key",
  (id) => {
    for (const build of [
      () => keys.stream(id),
      () => keys.trieNodes("s", id),
      () => keys.session(id, "1"),
      () => keys.meterMeta(id, "s"),
      () => keys.cache("session", "app", id, "1"),
      () => keys.submission("s", 1n, id),
      () => keys.heartbeat(id === "a:b" ? "" : id),
      () => keys.epoch(id),
    ])
      expect(build).toThrow(expect.objectContaining({ code: "BAD_KEY_PART" }));
  },
);

test("an instance may carry a port in its name", () => {
  expect(keys.instance("miner:9000")).toBe("ha:miner:instance:miner:9000");
});

test("our own keys lie under a segment that Go does not use", () => {
  for (const key of [
    keys.epoch("s"),
    keys.deadLetters("s"),
    keys.heartbeat("i"),
    keys.commandsChannel,
    keys.nonce,
  ])
    expect(key).toMatch(/^ha:rm:/);
});
