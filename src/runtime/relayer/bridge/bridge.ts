import { REJECTS, Reject } from "../rejects.ts";
import type { DecodedRelay } from "../steps/decode.ts";
import type { Metered } from "../steps/meter.ts";
import { type Answer, Answers } from "./answers.ts";
import {
  backendCode,
  codeAfterBackend,
  codeAfterClient,
  codeLabel,
  GOING_AWAY,
  SESSION_OVER,
} from "./codes.ts";
import { EarlyFrames } from "./early.ts";
import type { End, Ending, Frame } from "./ends.ts";
import { IdleWatch } from "./idle.ts";
import { Lane } from "./lane.ts";
import type { BridgeParts } from "./messages.ts";
import { type Asked, checkRequest } from "./request.ts";
import { SessionEnd } from "./session.ts";

type Given = BridgeParts & {
  readonly service: string;
  readonly client: End;
  readonly backend: End;
  /** Called once, when both ends are closed or told to close. */
  readonly onEnd: () => void;
};

const STATUS = 200;
const SESSION_EXPIRED = "session expired";
/** How long answers that are on their way may take when a connection has to end. */
const PATIENCE_MS = 2_000;

/**
 * One WebSocket of a client and one of the backend (relay-path 6.6). Every message of the client is a relay request, checked and charged
 * before the backend gets its payload. Every message of the backend is an answer to the latest request, and with it a relay: signed,
 * charged and stored before the client gets it.
 */
export class Bridge {
  readonly #given: Given;
  readonly #fromClient: Lane;
  readonly #fromBackend: Lane;
  readonly #answers: Answers;
  readonly #session: SessionEnd;
  readonly #early: EarlyFrames;
  readonly #idle: IdleWatch;
  #latest: Asked | undefined;
  /** Of the handshake. */
  #named: DecodedRelay | undefined;
  #phase: "open" | "ending" | "over" = "open";
  /** Why it ends, for the close. */
  #reason = SESSION_EXPIRED;
  #stopPatience: (() => void) | undefined;

  constructor(given: Given) {
    this.#given = given;
    const { client, backend, settings, clock, heights } = given;
    const limits = { atOnce: settings.messages_at_once, bytesAtOnce: settings.max_message_bytes };
    const { room } = given;
    this.#fromClient = new Lane({ ...limits, room, onFull: (isFull) => client.hold("work", isFull) });
    this.#fromBackend = new Lane({ ...limits, room, onFull: (isFull) => backend.hold("work", isFull) });
    const leadBlocks = BigInt(settings.session_end_lead_blocks);
    this.#session = new SessionEnd({
      clock,
      heights,
      leadBlocks,
      waitMs: settings.session_end_wait,
      onOver: () => this.#sessionOver(),
    });
    this.#answers = new Answers(given);
    this.#early = new EarlyFrames(settings.early_messages);
    this.#idle = new IdleWatch({
      clock,
      afterMs: settings.idle_timeout,
      onIdle: () => this.#close(GOING_AWAY, "no message for too long"),
    });
    client.listen({
      frame: (frame) => this.#asked(frame),
      ended: (ending) => this.#clientEnded(ending),
      full: (isFull) => backend.hold("peer", isFull),
    });
    backend.listen({
      frame: (frame) => this.#answered(frame),
      ended: (ending) => this.#backendEnded(ending),
      full: (isFull) => client.hold("peer", isFull),
    });
  }

  /** The session that the handshake named and proved, until a request names one. */
  begin(relay: DecodedRelay): void {
    if (this.#phase !== "open") return;
    this.#named = relay;
    this.#session.extend(relay);
    this.reloaded();
  }

  /**
   * After a reload. A supplier whose key is gone, or a service, is served no more: the client is told so as at a session's end, and goes
   * on elsewhere. Every other connection stays as it is, at the backend that it has.
   */
  reloaded(): void {
    const { service, messages } = this.#given;
    const gone = messages().steps.gone(service, (this.#latest?.relay ?? this.#named)?.supplier);
    if (gone !== undefined) this.end(gone.message);
  }

  /** A new block: the session may be over. */
  atBlock(): void {
    this.#session.check();
  }

  /** Answers that are on their way are still delivered; then the client is told to go on elsewhere. */
  end(reason: string = SESSION_EXPIRED): void {
    if (this.#phase !== "open") return;
    this.#phase = "ending";
    this.#reason = reason;
    this.#given.client.hold("end", true);
    this.#stopPatience = this.#given.clock.after(PATIENCE_MS, () => this.#announce());
    this.#endWhenQuiet();
  }

  #endWhenQuiet(): void {
    if (this.#phase !== "ending") return;
    this.#fromClient.whenIdle(() =>
      this.#fromBackend.whenIdle(() => {
        if (this.#phase === "ending" && this.#fromClient.isIdle && this.#answers.prepaid === 0)
          this.#announce();
      }),
    );
  }

  #asked(frame: Frame): void {
    if (this.#phase !== "open") return;
    this.#idle.used();
    const at = this.#given.clock.monotonic();
    // One that waits for its turn while a reload comes is served by what held when it came.
    const received = { bytes: frame.data, messages: this.#given.messages(), at };
    const { work, service } = this.#given;
    const of = { work, service, isOver: () => this.#phase === "over" };
    this.#fromClient.add({
      bytes: frame.data.length,
      work: async () => {
        const checked = await checkRequest(received, of);
        if (checked instanceof Reject) return () => this.#fail(checked);
        return () => this.#forward(checked.asked, checked.charge, frame.isBinary);
      },
    });
  }

  #forward(asked: Asked, charge: Metered, isBinary: boolean): void {
    const { backend, metrics, service } = this.#given;
    const { relay } = asked;
    if (this.#phase === "over") {
      void charge.refund();
      return;
    }
    // A request of a session before the latest one's: its answers are relays of the latest, which is open for longer.
    if (this.#latest && relay.header.sessionEndBlockHeight < this.#latest.relay.header.sessionEndBlockHeight)
      void charge.refund();
    else {
      this.#latest = asked;
      this.#answers.prepay(charge, { sessionId: relay.header.sessionId, supplier: relay.supplier });
      this.#session.extend(relay);
    }
    backend.send({ data: relay.request.payload, isBinary });
    metrics.messages.inc({ service_id: service, direction: "to_backend" });
    for (const early of this.#early.take()) this.#answered(early);
    // It may have begun before a reload.
    this.reloaded();
  }

  #answered(frame: Frame): void {
    const { metrics, service } = this.#given;
    if (this.#phase === "over") return;
    // An answer without payload cannot be hashed, so it is no relay (relay-path 6.6).
    if (frame.data.length === 0) metrics.dropped.inc({ service_id: service, reason: "empty" });
    else if (this.#latest === undefined) this.#keepEarly(frame);
    else if (!this.#session.isServed(this.#latest.verified)) this.#tooLate();
    else {
      this.#idle.used();
      const asked = this.#latest;
      this.#fromBackend.add({
        bytes: frame.data.length,
        work: async () => {
          const answer = await this.#answers.answer(asked, frame);
          // The claim was made while it was stored: nothing is wrong with the client.
          if (answer instanceof Reject && answer.code === "session_expired") return () => this.#tooLate();
          if (answer instanceof Reject) return () => this.#fail(answer);
          return () => this.#reply(asked, answer);
        },
      });
    }
  }

  /** A message of the backend that nobody would pay for any more. */
  #tooLate(): void {
    const { metrics, service } = this.#given;
    metrics.dropped.inc({ service_id: service, reason: "session_over" });
    this.end();
    this.#endWhenQuiet();
  }

  #keepEarly(frame: Frame): void {
    const { metrics, service } = this.#given;
    if (this.#early.keep(frame)) metrics.held.inc({ service_id: service });
    else metrics.dropped.inc({ service_id: service, reason: "early" });
  }

  #reply({ admitted }: Asked, { frame, since }: Answer): void {
    const { client, metrics, work, service } = this.#given;
    if (this.#phase === "over") return;
    client.send(frame);
    metrics.messages.inc({ service_id: service, direction: "to_client" });
    work.served(admitted, STATUS, since, frame.data.length);
    this.#endWhenQuiet();
  }

  #sessionOver(): void {
    // A request that is being checked may be of the next session.
    this.#fromClient.whenIdle(() => {
      if (this.#session.isOver()) this.end();
    });
  }

  /** The signed 410 makes a gateway look for the next session, and so does the code (relay-path 6.6). */
  #announce(): void {
    if (this.#phase !== "ending") return;
    const about = this.#latest?.relay ?? this.#named;
    const { steps } = this.#latest?.messages ?? this.#given.messages();
    const notice = about && steps.signError(about, 410, SESSION_EXPIRED);
    if (notice) this.#given.client.send({ data: notice, isBinary: true });
    this.#close(SESSION_OVER, this.#reason);
  }

  #fail(reject: Reject): void {
    this.#close(REJECTS[reject.code].websocket, reject.message);
  }

  #close(code: number, reason: string): void {
    if (this.#phase === "over") return;
    this.#given.client.close(code, reason);
    this.#given.backend.close(backendCode(code), "");
    this.#over(code);
  }

  #clientEnded(ending: Ending): void {
    if (this.#phase === "over") return;
    this.#given.backend.close(codeAfterClient(ending), ending.how === "closed" ? ending.reason : "");
    this.#over(ending.code);
  }

  /** What it had sent before is still delivered. */
  #backendEnded(ending: Ending): void {
    this.#fromBackend.whenIdle(() => {
      if (this.#phase === "ending") return this.#announce();
      if (this.#phase === "over") return;
      const code = codeAfterBackend(ending);
      const reason = ending.how === "closed" ? ending.reason : "the backend's connection failed";
      this.#given.client.close(code, reason);
      this.#over(code);
    });
  }

  #over(code: number): void {
    const { metrics, service, onEnd } = this.#given;
    this.#phase = "over";
    this.#fromClient.stop();
    this.#fromBackend.stop();
    this.#session.stop();
    this.#idle.stop();
    this.#stopPatience?.();
    this.#early.take();
    this.#answers.close();
    metrics.closes.inc({ service_id: service, code: codeLabel(code) });
    onEnd();
  }
}
