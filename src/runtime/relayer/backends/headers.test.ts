import { expect, test } from "vitest";
import type { BackendConfig } from "../../config/backends.ts";
import { backendHeaders } from "./headers.ts";

const backend = (over: Partial<BackendConfig> = {}): BackendConfig =>
  ({ headers: {}, endpoints: [], ...over }) as BackendConfig;
const from = (inner: [string, string][], wrapper: Record<string, string> = {}) => ({
  inner,
  wrapper: (name: string) => wrapper[name],
  wrapperPocket: Object.entries(wrapper).filter(([name]) => name.startsWith("pocket-")),
  supplier: "pokt1supplier",
  service: "eth",
  application: "pokt1app",
});

test("inner headers go on, several values stay several, the wrapper fills what is unset", () => {
  const sent = backendHeaders(
    from(
      [
        ["Content-Type", "application/json"],
        ["X-Two", "a"],
        ["X-Two", "b"],
      ],
      { "content-type": "text/plain", accept: "*/*", "pocket-request-id": "7" },
    ),
    backend(),
  );
  expect(sent).toEqual({
    "content-type": "application/json",
    "x-two": ["a", "b"],
    accept: "*/*",
    "pocket-request-id": "7",
    "accept-encoding": "identity",
    "pocket-supplier": "pokt1supplier",
    "pocket-service": "eth",
    "pocket-application": "pokt1app",
  });
});

test("what belongs to a connection, a proxy or us is not taken from a client", () => {
  const sent = backendHeaders(
    from(
      [
        ["Host", "evil"],
        ["Connection", "close, X-Hop"],
        ["X-Hop", "1"],
        ["Transfer-Encoding", "chunked"],
        ["Content-Length", "5"],
        ["Proxy-Authorization", "x"],
        ["Authorization", "Bearer client"],
        ["Cookie", "session=client"],
        ["HTTP2-Settings", "x"],
        ["X-Forwarded-For", "1.2.3.4"],
        ["Pocket-Supplier", "pokt1other"],
        ["Accept-Encoding", "gzip"],
        ["Bad Name", "x"],
        ["X-Bad", "a\r\nInjected: 1"],
      ],
      { "pocket-service": "other" },
    ),
    backend(),
  );
  expect(Object.keys(sent).toSorted((a, b) => a.localeCompare(b))).toEqual([
    "accept-encoding",
    "pocket-application",
    "pocket-service",
    "pocket-supplier",
  ]);
  expect(sent).toMatchObject({ "pocket-supplier": "pokt1supplier", "pocket-service": "eth" });
});

test("the operator's headers and authentication win", () => {
  const inner: [string, string][] = [
    ["Authorization", "Bearer client"],
    ["X-Key", "client"],
  ];
  const sent = (authentication: BackendConfig["authentication"]) =>
    backendHeaders(from(inner), backend({ headers: { "X-Key": "ours" }, authentication }));
  expect(sent({ bearer_token: "t" })).toMatchObject({ authorization: "Bearer t", "x-key": "ours" });
  expect(sent({ plain_token: "t" })).toMatchObject({ authorization: "t" });
  expect(sent({ username: "u", password: "p" })).toMatchObject({ authorization: "Basic dTpw" });
});

test("names that every object has are names like any", () => {
  const sent = backendHeaders(
    from([
      ["constructor", "a"],
      ["__proto__", "b"],
      ["Constructor", "c"],
    ]),
    backend(),
  );
  expect(Object.entries(sent).slice(0, 2)).toEqual([
    ["constructor", ["a", "c"]],
    ["__proto__", "b"],
  ]);
});
