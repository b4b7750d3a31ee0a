import type { Duplex } from "node:stream";
import { WebSocket } from "ws";
import type { Clock } from "../../../base/clock.ts";
import type { WebSocketSettings } from "../../config/websocket.ts";
import { cutReason } from "../bridge/codes.ts";
import type { End, EndEvents, Ending, Frame } from "../bridge/ends.ts";
import { FrameRoom } from "../bridge/lane.ts";

export type EndLimits = {
  readonly clock: Clock;
  readonly pingMs: number;
  /** Nothing heard for so long after a ping: the peer is gone. */
  readonly pongMs: number;
  /** Nothing of what waits could be sent for so long: the peer is gone. Also how long a peer may take to close. */
  readonly writeMs: number;
  /** More than that waiting to be sent is too much. */
  readonly bufferedBytes: number;
  /** For messages that are not there whole yet. */
  readonly room: FrameRoom;
};

const MIB = 1_048_576;
/** Clients cut messages as their buffers are: gorilla's, which PATH uses, into pieces of 4 KiB. */
const SMALLEST_FRAGMENT = 2_048;

/** How many fragments a message may come in, that each of them may not be kept for nothing. */
export const mostFragments = ({ max_message_bytes }: WebSocketSettings): number =>
  Math.max(1_024, Math.ceil(max_message_bytes / SMALLEST_FRAGMENT));

/** What every WebSocket keeps to, of clients and of backends. */
export const webSocketLimits = (settings: WebSocketSettings, clock: Clock): EndLimits => ({
  clock,
  pingMs: settings.ping_interval,
  pongMs: settings.pong_timeout,
  writeMs: settings.write_timeout,
  bufferedBytes: settings.buffered_bytes,
  room: new FrameRoom(settings.total_buffered_mb * MIB),
});

/** What ws calls the faults of a peer, where the close code is not 1002. */
const FAULT_CODES: Readonly<Record<string, number>> = {
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
  WS_ERR_INVALID_UTF8: 1007,
};
const PROTOCOL_ERROR = 1002;
const NO_MORE_ROOM = 1013;
const LOST = 1006;
const WRITE_FAILED = 1011;
const GONE = 1001;

/** One WebSocket, from its handshake on: alive or over, never silent for long, and nothing waits in it without a bound. */
export class WebSocketEnd implements End {
  readonly #socket: WebSocket;
  readonly #limits: EndLimits;
  readonly #held = new Set<string>();
  #events: EndEvents | undefined;
  #phase: "open" | "closing" | "over" = "open";
  /** How it ended before anybody listened, or what the peer did wrong until its socket is closed. */
  #ending: Ending | undefined;
  #partial = 0;
  #unsent = 0;
  #isFull = false;
  #sentAt = 0;
  #stopPing: () => void;
  #stopPong: (() => void) | undefined;
  #stopWrite: (() => void) | undefined;
  #stopClose: (() => void) | undefined;

  /** `raw` is what the WebSocket reads from. Nothing is read before `listen`. */
  constructor(socket: WebSocket, raw: Duplex, limits: EndLimits) {
    this.#socket = socket;
    this.#limits = limits;
    socket.pause();
    raw.prependListener("data", (chunk: Buffer) => this.#arrived(chunk.length));
    socket.on("message", (data, isBinary) => this.#message(data as Buffer, isBinary));
    socket.on("error", (error) => this.#failed(error));
    socket.on("close", (code, reason) => this.#closed(code, reason));
    this.#stopPing = limits.clock.after(limits.pingMs, () => this.#ping());
  }

  listen(events: EndEvents): void {
    this.#events = events;
    if (this.#phase === "over" && this.#ending) events.ended(this.#ending);
    else this.#read();
  }

  send({ data, isBinary }: Frame): void {
    if (this.#phase !== "open") return;
    if (this.#unsent === 0) this.#sentAt = this.#limits.clock.monotonic();
    this.#unsent += 1;
    this.#socket.send(data, { binary: isBinary }, () => this.#sent());
    this.#tellFull(this.#socket.bufferedAmount > this.#limits.bufferedBytes);
    this.#stopWrite ??= this.#limits.clock.after(this.#limits.writeMs, () => this.#checkWritten());
  }

  hold(reason: "work" | "peer" | "end", isHeld: boolean): void {
    if (isHeld) this.#held.add(reason);
    else this.#held.delete(reason);
    if (this.#held.size > 0) this.#socket.pause();
    else if (this.#events !== undefined) this.#read();
  }

  close(code: number, reason: string): void {
    if (this.#phase !== "open") return;
    this.#phase = "closing";
    this.#events = undefined;
    this.#forget();
    this.#socket.close(code, cutReason(reason));
    // Its answer has to be read; messages before it go nowhere.
    this.#socket.resume();
    this.#stopClose = this.#limits.clock.after(this.#limits.writeMs, () => this.#socket.terminate());
  }

  #read(): void {
    if (this.#held.size > 0) return;
    this.#socket.resume();
  }

  #arrived(bytes: number): void {
    this.#heard();
    if (this.#phase !== "open") return;
    if (this.#limits.room.take(bytes)) this.#partial += bytes;
    else this.#break(NO_MORE_ROOM, "too much in memory");
  }

  #message(data: Buffer, isBinary: boolean): void {
    this.#forget();
    this.#events?.frame({ data, isBinary });
  }

  /** The message is whole: whoever gets it counts it from now on. */
  #forget(): void {
    this.#limits.room.give(this.#partial);
    this.#partial = 0;
  }

  #sent(): void {
    this.#unsent -= 1;
    this.#sentAt = this.#limits.clock.monotonic();
    if (this.#socket.bufferedAmount <= this.#limits.bufferedBytes / 2) this.#tellFull(false);
  }

  #tellFull(isFull: boolean): void {
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    this.#events?.full(isFull);
  }

  #checkWritten(): void {
    this.#stopWrite = undefined;
    if (this.#unsent === 0 || this.#phase === "over") return;
    const { clock, writeMs } = this.#limits;
    const left = this.#sentAt + writeMs - clock.monotonic();
    if (left <= 0) this.#break(WRITE_FAILED, "the peer does not read");
    else this.#stopWrite = clock.after(left, () => this.#checkWritten());
  }

  #ping(): void {
    const { clock, pingMs, pongMs } = this.#limits;
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping();
    this.#stopPong ??= clock.after(pongMs, () => this.#unheard());
    this.#stopPing = clock.after(pingMs, () => this.#ping());
  }

  #heard(): void {
    this.#stopPong?.();
    this.#stopPong = undefined;
  }

  #unheard(): void {
    this.#stopPong = undefined;
    // What we do not read we cannot hear.
    if (this.#held.size === 0) this.#break(GONE, "no answer to a ping");
  }

  #failed(error: Error): void {
    const { code = "" } = error as { code?: string };
    const fault = FAULT_CODES[code] ?? (code.startsWith("WS_ERR_") ? PROTOCOL_ERROR : LOST);
    this.#ending = { how: "broken", code: fault, reason: error.message };
    // ws has told the peer what it did wrong; it gets as long to go as after a close of ours.
    this.#stopClose ??= this.#limits.clock.after(this.#limits.writeMs, () => this.#socket.terminate());
    if (fault !== LOST) this.#tell(this.#ending);
  }

  #break(code: number, reason: string): void {
    this.#tell({ how: "broken", code, reason });
    this.#socket.terminate();
  }

  #closed(code: number, reason: Buffer): void {
    const ending: Ending =
      code === LOST
        ? { how: "broken", code, reason: "the connection was lost" }
        : { how: "closed", code, reason: reason.toString("utf8") };
    this.#tell(this.#ending ?? ending);
    this.#phase = "over";
    this.#forget();
    for (const stop of [this.#stopPing, this.#stopPong, this.#stopWrite, this.#stopClose]) stop?.();
  }

  #tell(ending: Ending): void {
    if (this.#phase === "open") this.#phase = "closing";
    this.#ending = ending;
    const events = this.#events;
    this.#events = undefined;
    events?.ended(ending);
  }
}
