import type { RpcClient } from "@cosmjs/tendermint-rpc";
import { Agent, type Dispatcher, request } from "undici";
import type { Clock } from "../../base/clock.ts";
import { AppError } from "../../base/errors.ts";
import { withDeadline } from "./deadline.ts";
import { rpcRefusal } from "./rpc-error.ts";
import { httpTarget } from "./rpc-url.ts";

type RpcRequest = Parameters<RpcClient["execute"]>[0];
type RpcSuccess = Awaited<ReturnType<RpcClient["execute"]>>;

const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const CONNECTIONS = 16;

type Options = { readonly url: string; readonly timeoutMs: number; readonly clock: Clock };

/**
 * JSON-RPC over HTTP for cosmjs's clients, with what its own HttpClient lacks: a kept pool of connections that can be closed, a bound on
 * the answer's size, and coded errors (CHAIN_REFUSED, CHAIN_UNREACHABLE, CHAIN_TIMEOUT, CHAIN_BAD_ANSWER).
 */
export class RpcTransport implements RpcClient {
  /** Host of the endpoint: names it in logs without the token that a path may hold. */
  readonly name: string;
  readonly #target: ReturnType<typeof httpTarget>;
  readonly #agent = new Agent({ connections: CONNECTIONS, headersTimeout: 0, bodyTimeout: 0 });
  readonly #timeoutMs: number;
  readonly #clock: Clock;

  constructor({ url, timeoutMs, clock }: Options) {
    this.#target = httpTarget(url);
    this.name = this.#target.name;
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
  }

  readonly execute = async (call: RpcRequest): Promise<RpcSuccess> => {
    const fields = { endpoint: this.name, method: call.method };
    const { status, text } = await this.#post(JSON.stringify(call), fields);
    return readAnswer(status, text, fields) as RpcSuccess;
  };

  /** One call by name, for answers that cosmjs reads more strictly than nodes write them. */
  async call(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const body = { jsonrpc: "2.0", id: 1, method, params } as const;
    return (await this.execute(body as RpcRequest)).result as unknown;
  }

  async #post(body: string, fields: Readonly<Record<string, unknown>>) {
    const late = () =>
      new AppError("CHAIN_TIMEOUT", "the node did not answer in time", {
        ...fields,
        timeoutMs: this.#timeoutMs,
      });
    try {
      return await withDeadline(this.#clock, this.#timeoutMs, late, async (signal) => {
        const { href, headers } = this.#target;
        const response = await request(href, {
          method: "POST",
          headers,
          body,
          signal,
          dispatcher: this.#agent,
        });
        return { status: response.statusCode, text: await readText(response.body, fields) };
      });
    } catch (thrown) {
      if (thrown instanceof AppError) throw thrown;
      throw new AppError("CHAIN_UNREACHABLE", "the node cannot be reached", fields, thrown);
    }
  }

  /** cosmjs calls this; the pool is closed by `close`, which can be awaited. */
  disconnect(): void {}

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

async function readText(body: Dispatcher.ResponseData["body"], fields: Readonly<Record<string, unknown>>) {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > MAX_ANSWER_BYTES)
      throw new AppError("CHAIN_BAD_ANSWER", "the node's answer is too large", {
        ...fields,
        limit: MAX_ANSWER_BYTES,
      });
    chunks.push(bytes);
  }
  return Buffer.concat(chunks, size).toString("utf8");
}

function readAnswer(status: number, text: string, fields: Readonly<Record<string, unknown>>): unknown {
  const answer = parseObject(text);
  if (answer?.["error"]) throw rpcRefusal(answer["error"], fields);
  if (status === 200 && answer !== undefined && answer["result"] !== undefined) return answer;
  if (status === 429 || status >= 500)
    throw new AppError("CHAIN_UNREACHABLE", `the endpoint answered HTTP ${status}`, { ...fields, status });
  throw new AppError("CHAIN_BAD_ANSWER", "the answer is not JSON-RPC", { ...fields, status });
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
