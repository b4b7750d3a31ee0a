import {
  constants,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import type { Clock } from "../../../base/clock.ts";
import { closeAfterReading, endAfterReading } from "../../../base/http2-ends.ts";
import type { LimitsConfig } from "../../config/listener.ts";
import type { Port, Protocol } from "./call.ts";
import { Http2Call } from "./http2-call.ts";
import { Penalties } from "./penalties.ts";
import { sourceOf } from "./source.ts";
import type { Reader } from "./unsent.ts";

/** A connection's first request must have begun after this; later ones may have pauses. */
const FIRST_STREAM_MS = 10_000;
const IDLE_MS = 65_000;
/** What a session has after it was told to end, before its connection is closed. */
const FAREWELL_MS = 5_000;
const STREAM_WINDOW = 256 * 1024;
const CONNECTION_WINDOW = 2 * 1024 * 1024;

/**
 * Pings and settings that a request and its answer allow for, besides the limit: gRPC's clients ping as often as data comes, to measure
 * how fast their connection is.
 */
const CONTROLS_PER_REQUEST = 4;
const BYTES_PER_CONTROL = 4_096;

/** Of answers that have gone to the system since the client was last asked. */
const ASK_FROM_BYTES = 65_536;

/** One connection of HTTP/2 and what it has done lately. */
type Live = {
  readonly session: ServerHttp2Session;
  /** Of the client. */
  readonly address: string;
  readonly socket: Socket;
  readonly calls: Set<Http2Call>;
  /** Since the last sweep. */
  resets: number;
  /** Less what its requests allow for. */
  controls: number;
  streams: "none yet" | "some";
  /** "parting" while the goodbye is on its way out, "ending" from when no new streams are taken. */
  phase: "open" | "parting" | "ending";
  /** When it is "ending" and has nothing in work. */
  readonly finish: () => void;
  conduct: "fair" | "punished";
  /** Bytes of answers that nobody knows to have come. */
  unheard: number;
  /** While the client is asked with a ping. */
  asked: "no" | "yes";
  readonly reader: Reader;
  /** When it became idle, or was told to end. */
  since: number;
};

type Given = {
  readonly port: Port;
  readonly limits: LimitsConfig;
  readonly serve: (call: Http2Call, protocol: Protocol) => void;
  /** A connection that was closed at once, for what others of its address did. */
  readonly refused: (reason: "flood_penalty") => void;
  /** A connection that was closed for what it did. */
  readonly closedFor: (reason: "h2_resets" | "h2_control_frames" | "h2_invalid" | "unread_answer") => void;
};

/** The connections that speak HTTP/2. `sweep` must be called about once a second: it ends what takes too long and counts anew. */
export class Http2Sessions {
  readonly #given: Given;
  readonly #clock: Clock;
  readonly #live = new Set<Live>();
  readonly #penalties: Penalties;

  constructor(given: Given) {
    this.#given = given;
    this.#clock = given.port.clock;
    this.#penalties = new Penalties(this.#clock, given.limits.flood_penalty_seconds * 1_000);
  }

  /** A connection whose client speaks HTTP/2; served at once, unless its address has flooded. */
  accept(socket: Socket, protocol: Protocol): void {
    const address = sourceOf(socket.remoteAddress);
    const waitMs = this.#penalties.waitMs(address);
    if (waitMs === 0) {
      this.#open(socket, address, protocol);
      return;
    }
    socket.on("error", () => socket.destroy());
    if (waitMs === undefined) {
      this.#given.refused("flood_penalty");
      socket.destroy();
      return;
    }
    const callOff = this.#clock.after(waitMs, () => this.#open(socket, address, protocol));
    socket.once("close", callOff);
  }

  #open(socket: Socket, address: string, protocol: Protocol): void {
    if (this.#given.port.stopping) {
      socket.destroy();
      return;
    }
    // The server of HTTP/1.1 lets clients close their half first; one of HTTP/2 that does is gone.
    socket.once("end", () => socket.destroy());
    const session = performServerHandshake(socket, optionsOf(this.#given.limits));
    endAfterReading(session);
    const live = this.#begun(session, socket, address);
    this.#live.add(live);
    session.setLocalWindowSize(CONNECTION_WINDOW);
    session.once("close", () => {
      this.#live.delete(live);
      this.#given.port.unsent.remove(live.reader);
    });
    session.on("error", () => this.#given.closedFor("h2_invalid"));
    session.on("ping", () => this.#control(live));
    session.on("remoteSettings", () => this.#control(live));
    const { port } = this.#given;
    session.on(
      "stream",
      (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _: number, raw: string[]) => {
        stream.on("error", () => undefined);
        if (session.destroyed || live.conduct === "punished") return;
        // Broken off in the same packet: nothing is made for it.
        if (stream.closed || stream.destroyed) this.#reset(live);
        else this.#serve(live, new Http2Call(stream, { headers, raw }, port), protocol);
      },
    );
  }

  #begun(session: ServerHttp2Session, socket: Socket, address: string): Live {
    const cut = () => cutOff(session, socket);
    const live: Live = {
      session,
      socket,
      address,
      calls: new Set(),
      resets: 0,
      controls: 0,
      streams: "none yet",
      phase: "open",
      finish: closeAfterReading(session, () => this.#end(live)),
      conduct: "fair",
      unheard: 0,
      asked: "no",
      reader: { deadline: Number.POSITIVE_INFINITY, breakOff: cut },
      since: this.#clock.monotonic(),
    };
    return live;
  }

  /** No new streams; those in work go on. */
  stop(): void {
    for (const { session } of this.#live) session.close();
  }

  close(): void {
    for (const { session, socket } of this.#live) cutOff(session, socket);
  }

  sweep(): void {
    const now = this.#clock.monotonic();
    for (const live of this.#live) {
      live.resets = 0;
      live.controls = 0;
      for (const call of live.calls) this.#sweepCall(live, call, now);
      this.#sweepIdle(live, now);
    }
  }

  #sweepCall(live: Live, call: Http2Call, now: number): void {
    if (now <= call.deadline) return;
    if (!call.source.closed) {
      call.deadline = now;
      call.cancel();
    } else if (now > call.deadline + FAREWELL_MS && !live.session.destroyed) {
      // Not even the reset has left: the client takes nothing of its connection, and all that waits for it stays in memory.
      this.#given.closedFor("unread_answer");
      cutOff(live.session, live.socket);
    }
  }

  #sweepIdle(live: Live, now: number): void {
    const { session, calls, streams, since, phase } = live;
    if (calls.size > 0) live.since = now;
    else if (phase !== "open") {
      if (now > since + FAREWELL_MS) cutOff(session, live.socket);
    } else if (now > since + (streams === "some" ? IDLE_MS : FIRST_STREAM_MS)) session.close();
  }

  /** Says goodbye. The connection is closed when what it has in work is done. */
  #end(live: Live): void {
    const { session } = live;
    if (session.destroyed || live.phase !== "open") return;
    live.phase = "parting";
    live.since = this.#clock.monotonic();
    session.goaway();
    // It leaves before the next immediates are called.
    setImmediate(() => {
      live.phase = "ending";
      this.#finishIfDone(live);
    });
  }

  #finishIfDone(live: Live): void {
    if (live.phase === "ending" && live.calls.size === 0) live.finish();
  }

  #serve(live: Live, call: Http2Call, protocol: Protocol): void {
    live.streams = "some";
    live.controls -= CONTROLS_PER_REQUEST;
    live.calls.add(call);
    const stream = call.source;
    stream.once("close", () => {
      live.calls.delete(call);
      if (call.isReset) this.#reset(live);
      // What was broken off by us earns nothing: who knows how much of it has left.
      else if (stream.rstCode === constants.NGHTTP2_NO_ERROR) this.#sent(live, call.sentBytes);
      this.#finishIfDone(live);
    });
    this.#given.serve(call, protocol);
  }

  /** A stream ends when its last bytes are given to the system, whether or not the client reads: what has come is known from a ping. */
  #sent(live: Live, bytes: number): void {
    const { unsent } = this.#given.port;
    live.controls -= Math.floor(bytes / BYTES_PER_CONTROL);
    live.unheard += bytes;
    if (live.asked === "yes") unsent.add(live.reader, bytes);
    else if (live.unheard >= ASK_FROM_BYTES) this.#ask(live);
  }

  #ask(live: Live): void {
    const { session, reader, unheard } = live;
    const { unsent } = this.#given.port;
    if (session.destroyed) return;
    live.asked = "yes";
    unsent.add(reader, unheard);
    session.ping(() => {
      unsent.remove(reader);
      live.asked = "no";
      live.unheard -= unheard;
      if (live.unheard >= ASK_FROM_BYTES) this.#ask(live);
    });
  }

  #reset(live: Live): void {
    live.resets += 1;
    if (live.resets > this.#given.limits.resets_per_second) this.#punish(live, "h2_resets");
  }

  #control(live: Live): void {
    live.controls += 1;
    if (live.controls > this.#given.limits.control_frames_per_second) this.#punish(live, "h2_control_frames");
  }

  #punish(live: Live, reason: "h2_resets" | "h2_control_frames"): void {
    const { session, address } = live;
    if (session.destroyed || live.conduct === "punished") return;
    live.conduct = "punished";
    this.#penalties.flooded(address);
    this.#given.closedFor(reason);
    // Without null for the error, which its type does not know, Node says goodbye as if all were well.
    session.destroy(null as unknown as undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }
}

/** A session that was told to end would wait for its client to close the connection. */
function cutOff(session: ServerHttp2Session, socket: Socket): void {
  session.destroy();
  socket.destroy();
}

/** reliability 7. */
const optionsOf = ({ streams_per_connection }: LimitsConfig) => ({
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 100,
  maxSettings: 32,
  maxHeaderListPairs: 200,
  maxDeflateDynamicTableSize: 4_096,
  settings: {
    enablePush: false,
    maxConcurrentStreams: streams_per_connection,
    maxHeaderListSize: 16_384,
    initialWindowSize: STREAM_WINDOW,
  },
});
