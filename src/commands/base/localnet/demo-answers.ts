import { createHash } from "node:crypto";
import type { DemoKind } from "./demo-kinds.ts";

/**
 * What demo backends answer. It depends on the request alone: a relay that is sent twice is the same relay twice, as its bytes decide its
 * leaf.
 */
export type Asked = { readonly method: string; readonly url: URL; readonly body: string };
export type Answered = { readonly status: number; readonly body: unknown };

type HttpDemo = Exclude<DemoKind, "websocket" | "grpc" | "stream">;

/** What a relay of a service of that kind asks, as method, URL and body; `id` makes it distinct, also in its answer. */
export function demoRequest(kind: DemoKind, id: string): { method: string; url: string; body: string } {
  switch (kind) {
    case "rest":
      return { method: "GET", url: `/v1/forecast?station=${id}`, body: "" };
    case "cometbft":
      return { method: "GET", url: `/abci_query?path=%22/demo%22&data=%22${id}%22`, body: "" };
    case "stream":
      return { method: "GET", url: `/v1/ticks?count=3&every=0&id=${id}`, body: "" };
    case "grpc":
      return { method: "POST", url: "/demo.Oracle/Ask", body: id };
    case "jsonrpc":
    case "websocket":
      return {
        method: "POST",
        url: "/",
        body: JSON.stringify({ jsonrpc: "2.0", id, method: "eth_call", params: [] }),
      };
  }
}

/** Whether a body is the answer to the request with that id. */
export const answersRequest = (id: string, body: string): boolean => body.includes(digestOf(id));

/** What a demo backend makes of an id: nobody could guess it, anybody can check it. */
export const digestOf = (id: string): string => `0x${createHash("sha256").update(id).digest("hex")}`;

export const HTTP_ANSWERS: Readonly<Record<HttpDemo, (asked: Asked) => Answered>> = {
  jsonrpc: ({ method, body }) => {
    if (method !== "POST") return { status: 405, body: { error: "POST only" } };
    return { status: 200, body: jsonRpcAnswer(body) };
  },
  cometbft: ({ url }) => {
    if (url.pathname === "/status")
      return { status: 200, body: { jsonrpc: "2.0", id: -1, result: { node_info: { network: "demo" } } } };
    const data = (url.searchParams.get("data") ?? "").replaceAll('"', "");
    return { status: 200, body: { jsonrpc: "2.0", id: -1, result: { response: { value: digestOf(data) } } } };
  },
  rest: ({ url }) => {
    if (url.pathname === "/") return { status: 200, body: { try: "/v1/forecast?station=<any text>" } };
    const station = url.searchParams.get("station");
    if (url.pathname !== "/v1/forecast" || station === null)
      return { status: 404, body: { error: "not found" } };
    return { status: 200, body: { station, forecast: digestOf(station) } };
  },
};

/** The answer to any JSON-RPC request. Throws on what is no JSON. */
export function jsonRpcAnswer(body: string): { jsonrpc: string; id: unknown; result: string } {
  const { id } = JSON.parse(body) as { id?: unknown };
  return { jsonrpc: "2.0", id, result: digestOf(String(id)) };
}

const MAX_TICKS = 10_000;

/** A stream of ticks: how many, how far apart, and what each says. */
export function ticksOf({ searchParams }: URL): {
  count: number;
  everyMs: number;
  tick: (n: number) => string;
} {
  const natural = (name: string, otherwise: number) =>
    /^\d{1,5}$/.test(searchParams.get(name) ?? "") ? Number(searchParams.get(name)) : otherwise;
  const value = digestOf(searchParams.get("id") ?? "");
  return {
    count: Math.min(MAX_TICKS, natural("count", 10)),
    everyMs: natural("every", 150),
    tick: (n) => `data: ${JSON.stringify({ tick: n, value })}\n\n`,
  };
}
