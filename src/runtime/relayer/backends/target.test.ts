import { expect, test } from "vitest";
import { endpointOf, targetPath } from "./target.ts";

const at = (url: string, inner: string, base?: string) => targetPath(endpointOf("a", url, base), inner);

test.each([
  ["http://node:8545", "http://gateway.example/", "/"],
  ["http://node:8545", "", "/"],
  ["http://node:8545/v1", "http://x/", "/v1"],
  ["http://node:8545/v1/", "http://x/status", "/v1/status"],
  ["http://node:8545/v1", "http://x/v1/status", "/v1/status"],
  ["http://node:8545/v1", "http://x/v10/status", "/v1/v10/status"],
  ["http://node:8545/v1?key=a", "http://x/s?b=1&c=2#frag", "/v1/s?key=a&b=1&c=2"],
  ["http://node:8545", "http://x//a//b/", "/a/b/"],
  ["http://node:8545", "/relative/path", "/relative/path"],
  ["http://node:8545", "https://user:pw@evil:99/p", "/p"],
  [
    "http://node:8545",
    "http://x/größe/%C3%A9?q=日本&e=😀",
    "/gr%C3%B6%C3%9Fe/%C3%A9?q=%E6%97%A5%E6%9C%AC&e=%F0%9F%98%80",
  ],
])("%s asked for %s gives %s", (url, inner, expected) => {
  expect(at(url, inner)).toBe(expected);
});

test("a base path of the configuration replaces the URL's own", () => {
  expect(at("http://node:8545/old", "http://x/a", "/new/")).toBe("/new/a");
});

test.each([
  "/../secret",
  "/a/../../b",
  "/%2e%2e/b",
  "/a%2f..%2fb",
  "/a\\..\\b",
  "/./a",
  "/..;x/secret",
  "/%2e%2e%3b/secret",
  "/a b",
  "/a\r\nHost: x",
])("%j is refused", (path) => {
  expect(() => at("http://node:8545/base", `http://x${path}`)).toThrow(
    expect.objectContaining({ code: "bad_request" }),
  );
});

test.each([
  ["//evil.example/x", "/base/evil.example/x"],
  ["http://x@evil.example/x", "/base/x"],
  ["http://x/@evil.example", "/base/@evil.example"],
  ["http://x/a#@evil.example/b", "/base/a"],
  ["file:///etc/passwd", "/base/etc/passwd"],
  ["gopher://evil:70/_x", "/base/_x"],
  ["javascript:alert(1)", "/base/javascript:alert(1)"],
  ["http:evil.example", "/base/http:evil.example"],
  ["http:\\\\evil.example\\x", "/base/http:\\\\evil.example\\x"],
  ["http://x/?u=http://evil.example/", "/base?u=http://evil.example/"],
  ["http://x/%2f%2fevil.example", "/base/%2f%2fevil.example"],
])("%j stays at the endpoint and inside its base path", (inner, expected) => {
  const path = at("http://node:8545/base", inner);
  expect(path).toBe(expected);
  expect(new URL(`http://node:8545${path}`).origin).toBe("http://node:8545");
  expect(new URL(`http://node:8545${path}`).pathname).toMatch(/^\/base(\/|$)/);
});

test("a NUL, or any other control character, is refused", () => {
  for (const bad of ["\0", "\t", "\r\n", "\x7f"])
    expect(() => at("http://node:8545", `http://x/a${bad}b`)).toThrow(
      expect.objectContaining({ code: "bad_request" }),
    );
});
