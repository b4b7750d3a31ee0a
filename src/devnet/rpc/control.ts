import type { IncomingMessage, ServerResponse } from "node:http";
import { AppError, toError } from "../../base/errors.ts";
import type { Backend } from "../backend.ts";
import { readBody, sendJson } from "./http-handler.ts";

/**
 * `POST /control/<command>` with a JSON object (or nothing) as arguments: `{ok: true, result}` or `{ok: false, code, message, fields}`.
 * It moves a whole chain, so it answers only connections from this machine that no browser page made (an Origin header marks those).
 */
export async function answerControl(
  backend: Backend,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const name = new URL(request.url ?? "/", "http://devnet").pathname.slice("/control/".length);
  if (!isLoopback(request.socket.remoteAddress) || request.headers.origin !== undefined)
    return sendJson(response, 403, refusal("USAGE", "the control API is for this machine only"));
  if (request.method !== "POST")
    return sendJson(response, 405, refusal("USAGE", "the control API takes POST"));
  try {
    const args = readArgs(await readBody(request));
    sendJson(response, 200, { ok: true, result: plain(await backend.control(name, args)) ?? null });
  } catch (thrown) {
    const error = toError(thrown);
    const code = error instanceof AppError ? error.code : "FAILED";
    const fields = error instanceof AppError ? plain(error.fields) : {};
    sendJson(response, 400, { ...refusal(code, error.message), fields });
  }
}

const refusal = (code: string, message: string) => ({ ok: false, code, message });

const isLoopback = (address: string | undefined): boolean =>
  address !== undefined && /^(127\.|::1$|::ffff:127\.)/.test(address);

function readArgs(text: string): Readonly<Record<string, unknown>> {
  if (text === "") return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    throw new AppError("USAGE", "the arguments are not JSON", {}, thrown);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new AppError("USAGE", "the arguments are not a JSON object");
  return value as Record<string, unknown>;
}

/** JSON has no 64-bit integers: they travel as text, as in the RPC. */
function plain(value: unknown): unknown {
  const text = JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "bigint" ? String(inner) : inner,
  ) as string | undefined;
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}
