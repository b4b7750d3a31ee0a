import type { Socket } from "node:net";
import { Agent, buildConnector, WebSocket } from "undici";
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/logger.ts";
import { webSocketTarget } from "./rpc-url.ts";

type Options = {
  readonly urls: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** Height of a block whose state is committed at the node that sent the event (chain 2.2). */
  readonly onHeight: (height: bigint) => void;
  /** The node tells of each block from now on; of those before this moment it will not. */
  readonly onSubscribed: () => void;
};

type Connection = { readonly end: (reason: string) => void; subscribed: boolean };
type Ended = { readonly reason: string; readonly heard: boolean };

const QUERY = "tm.event='NewBlockHeader'";
/** Every event repeats the id of its subscription. */
const SUBSCRIPTION_ID = 1;
const HANDSHAKE_MS = 10_000;
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 15_000;

/**
 * New heights over one WebSocket at a time, reconnecting for ever, to the next endpoint after a failure.
 * Not cosmjs's WebsocketClient: it does not subscribe again after a reconnect, reconnects even after `disconnect`, and a handshake that
 * times out ends the process as an unhandled rejection.
 */
export class HeaderSubscription {
  readonly #options: Options;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #current: Connection | undefined;

  constructor(options: Options) {
    this.#options = options;
    this.#running = this.#run();
  }

  get subscribed(): boolean {
    return this.#current?.subscribed ?? false;
  }

  /** Gives up the connection that says nothing and makes a new one. */
  restart(reason: string): void {
    this.#current?.end(reason);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#current?.end("closed");
    await this.#running;
  }

  async #run(): Promise<void> {
    const { urls, clock, logger } = this.#options;
    let failures = 0;
    for (let turn = 0; !this.#stop.signal.aborted && urls.length > 0; turn++) {
      const target = webSocketTarget(urls[turn % urls.length] as string);
      const { reason, heard } = await this.#connection(target);
      if (this.#stop.signal.aborted) return;
      failures = heard ? 1 : failures + 1;
      const pauseMs = Math.min(RETRY_FIRST_MS * 2 ** (failures - 1), RETRY_MAX_MS);
      logger[failures === 1 ? "warn" : "debug"](
        { endpoint: target.name, reason, pauseMs },
        "block subscription ended, reconnecting",
      );
      await clock.sleep(pauseMs, this.#stop.signal);
    }
  }

  /** One connection from handshake to end; resolves with why it ended. */
  async #connection(target: ReturnType<typeof webSocketTarget>): Promise<Ended> {
    let heard = false;
    const connect = buildConnector({ timeout: HANDSHAKE_MS });
    let raw: Socket | undefined;
    const dispatcher = new Agent({
      headersTimeout: HANDSHAKE_MS,
      connect: (options, callback) =>
        connect(options, (...result) => {
          raw = result[1] ?? undefined;
          callback(...result);
        }),
    });
    try {
      const reason = await new Promise<string>((resolve) => {
        const { "content-type": _, ...headers } = target.headers;
        const socket = new WebSocket(target.href, { dispatcher, headers });
        const connection: Connection = { end: resolve, subscribed: false };
        this.#current = connection;
        socket.onopen = () =>
          socket.send(
            JSON.stringify({
              jsonrpc: "2.0",
              id: SUBSCRIPTION_ID,
              method: "subscribe",
              params: { query: QUERY },
            }),
          );
        socket.onmessage = ({ data }) => {
          const frame = readFrame(data);
          if (frame.refusal !== undefined) return resolve(`refused: ${frame.refusal}`);
          if (!connection.subscribed) {
            this.#options.logger.info({ endpoint: target.name }, "subscribed to new blocks");
            connection.subscribed = true;
            this.#options.onSubscribed();
          }
          if (frame.height === undefined) return;
          heard = true;
          this.#options.onHeight(frame.height);
        };
        socket.onerror = ({ message }) => resolve(message || "connection failed");
        socket.onclose = ({ code, reason }) => resolve(`closed ${code} ${reason}`.trim());
      });
      return { reason, heard };
    } finally {
      this.#current = undefined;
      // Hard: a peer that says nothing would not answer a closing handshake either. An upgraded connection is no longer the agent's.
      raw?.destroy();
      await dispatcher.destroy();
    }
  }
}

type Frame = { readonly height?: bigint; readonly refusal?: string };

/** The height in a NewBlockHeader event; {} for the subscription's own answer and anything else. */
function readFrame(data: unknown): Frame {
  const frame = parse(data);
  if (frame?.id !== SUBSCRIPTION_ID) return {};
  if (frame.error) return { refusal: String(frame.error.data ?? frame.error.message) };
  const event = frame.result?.data;
  const height = event?.value?.header?.height;
  if (event?.type !== "tendermint/event/NewBlockHeader" || !/^\d+$/.test(height ?? "")) return {};
  return { height: BigInt(height as string) };
}

type AnyFrame = {
  id?: unknown;
  error?: { data?: unknown; message?: unknown };
  result?: { data?: { type?: string; value?: { header?: { height?: string } } } };
};

function parse(data: unknown): AnyFrame | undefined {
  try {
    return (JSON.parse(String(data)) as AnyFrame | null) ?? undefined;
  } catch {
    return undefined;
  }
}
