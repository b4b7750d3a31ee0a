import { expect, test } from "vitest";
import { changeInWords, changesBetween, isOneOf } from "./changes.ts";

const words = (before: unknown, after: unknown) => changesBetween(before, after).map(changeInWords);

test("settings that came, went and changed are told by their YAML names, the same ones not at all", () => {
  const before = { a: { b: 1, c: [1, 2], same: { x: [] } }, gone: "x" };
  const after = { a: { b: 2, c: [1, 3, 4], same: { x: [] } }, came: {} };
  expect(words(before, after)).toEqual([
    "a.b: 1 → 2",
    "a.c[1]: 2 → 3",
    "a.c[2]: not set → 4",
    "came: not set → {}",
    "gone: x → not set",
  ]);
});

test("no secret is shown: not in URLs, headers, credentials", () => {
  const config = (secret: string) => ({
    redis: { url: `redis://user:${secret}@redis:6379` },
    services: {
      eth: {
        backends: {
          jsonrpc: {
            endpoints: [
              { name: `https://node/v3/${secret}`, url: `https://node/v3/${secret}` },
              { name: "b", url: `https://other/?key=${secret}` },
            ],
            headers: { "X-Api-Key": secret },
            authentication: { username: secret, bearer_token: secret },
          },
        },
      },
    },
  });
  const told = words(config("hunter1"), config("hunter2"));
  expect(told).toHaveLength(7);
  expect(told.join("\n")).not.toContain("hunter");
  expect(told[0]).toBe("redis.url: another value (not shown)");
});

test("a setting is part of a named one by whole names only", () => {
  const named = ["services", "relay.publish"];
  for (const part of ["services", "services.eth.backends", "services[0]", "relay.publish"])
    expect(isOneOf(part, named)).toBe(true);
  for (const other of ["services_x", "relay", "relay.publish_x"]) expect(isOneOf(other, named)).toBe(false);
});
