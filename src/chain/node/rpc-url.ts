import { AppError } from "../../base/errors.ts";

type Target = {
  readonly href: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Host and port, the part that may be logged. */
  readonly name: string;
};

const HTTP: Readonly<Record<string, string>> = {
  "tcp:": "http:",
  "ws:": "http:",
  "wss:": "https:",
  "http:": "http:",
  "https:": "https:",
};

/** Where JSON-RPC is posted. Accepts http, https, tcp, ws, wss; credentials in the URL become a header. Throws CONFIG_INVALID. */
export function httpTarget(text: string): Target {
  const url = parse(text);
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (url.username !== "" || url.password !== "") {
    const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers["authorization"] = `Basic ${Buffer.from(credentials).toString("base64")}`;
  }
  return { href: `${HTTP[url.protocol]}//${url.host}${url.pathname}${url.search}`, headers, name: url.host };
}

/** Where events are subscribed: the same endpoint's /websocket. */
export function webSocketTarget(text: string): Target {
  const target = httpTarget(text);
  const url = new URL(target.href);
  const path = url.pathname.endsWith("/") ? url.pathname : `${url.pathname}/`;
  const scheme = url.protocol === "https:" ? "wss:" : "ws:";
  return { ...target, href: `${scheme}//${url.host}${path}websocket${url.search}` };
}

function parse(text: string): URL {
  if (!URL.canParse(text)) throw new AppError("CONFIG_INVALID", "not a URL of a CometBFT RPC endpoint");
  const url = new URL(text);
  if (HTTP[url.protocol] === undefined || url.host === "")
    throw new AppError("CONFIG_INVALID", "a CometBFT RPC endpoint is http://, https:// or tcp://", {
      protocol: url.protocol,
    });
  // a scheme that is not special keeps an opaque path: parse again as http so that path and host follow the same rules
  return new URL(`${HTTP[url.protocol]}${text.slice(text.indexOf("//"))}`);
}
