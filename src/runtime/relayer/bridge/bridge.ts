import { toLatin1 } from "../../../base/bytes.ts";
import type { Clock } from "../../../base/clock.ts";
import type { AnsweredRelay } from "../../../chain/protocol/relay-answer.ts";
import type { WebSocketSettings } from "../../config/websocket.ts";
import type { Heights } from "../heights.ts";
import { REJECTS, Reject, toReject } from "../rejects.ts";
import type { Admitted } from "../steps/admit.ts";
import type { DecodedRelay } from "../steps/decode.ts";
import type { Metered } from "../steps/meter.ts";
import type { Users } from "../users.ts";
import { type RelayWork, unread } from "../work.ts";
import { backendCode, codeAfterBackend, codeAfterClient, GOING_AWAY, SESSION_OVER } from "./codes.ts";
import type { End, Ending, Frame } from "./ends.ts";
import { type FrameRoom, Lane } from "./lane.ts";
import type { WebSocketMetrics } from "./metrics.ts";
import { Prepaid } from "./prepaid.ts";
import { SessionEnd } from "./session.ts";

/** A request that was checked, and what can be done with it; each throws Reject. */
export type VerifiedMessage = {
  /** Its answers are of use up to this height. */
  readonly lastHeight: bigint;
  meter(): Promise<Metered>;
  /** Charges a further answer to a request that was metered. */
  meterFurther(): Promise<Metered>;
  /** Stores an answer, which `charge` paid for. */
  publish(signed: AnsweredRelay, charge: Metered): Promise<void>;
};

/** The steps of a message, with what they need bound in; each throws Reject. */
export type MessageSteps = {
  decode(bytes: Uint8Array): DecodedRelay;
  admit(relay: DecodedRelay): Admitted;
  verify(relay: DecodedRelay): Promise<VerifiedMessage>;
  sign(relay: DecodedRelay, payload: Uint8Array): AnsweredRelay;
  /** The signed answer that says why there is no other (relay-path 4.1); undefined when the supplier's key is not held. */
  signError(relay: DecodedRelay, code: number, text: string): Uint8Array | undefined;
  /** Why this service, or this supplier of it where one is known, is not served any more; undefined while it is. */
  gone(service: string, supplier: string | undefined): Reject | undefined;
  /** The request that a handshake signs. */
  decodeHandshake(bytes: Uint8Array): DecodedRelay;
  /** Verifies it and takes it, once; gives what makes it usable again. */
  takeHandshake(relay: DecodedRelay): Promise<() => void>;
};

/** What a bridge tells of its messages. */
export type MessageWork = Pick<
  RelayWork,
  "begin" | "end" | "requireRoom" | "received" | "verified" | "served" | "refused" | "afterwards"
>;

/** What messages are served with until a reload; a message ends with what it began with. */
export type Messages = {
  readonly steps: MessageSteps;
  readonly publishBeforeReply: boolean;
  readonly users: Users;
};

/** What all bridges share. */
export type BridgeParts = {
  /** As of now. */
  readonly messages: () => Messages;
  readonly work: MessageWork;
  readonly metrics: WebSocketMetrics;
  readonly clock: Clock;
  readonly heights: Heights;
  readonly settings: WebSocketSettings;
  readonly room: FrameRoom;
};

type Given = BridgeParts & {
  readonly service: string;
  readonly client: End;
  readonly backend: End;
  /** Called once, when both ends are closed or told to close. */
  readonly onEnd: () => void;
};

/** A request that went to the backend, and what its answers need. */
type Asked = {
  readonly messages: Messages;
  readonly relay: DecodedRelay;
  readonly admitted: Admitted;
  readonly verified: VerifiedMessage;
  readonly receivedAt: number;
  /** The leaves made of it, by relay hash: an answer with the same bytes makes no other. */
  readonly leaves: Set<string>;
};

const STATUS = 200;
const SESSION_EXPIRED = "session expired";
/** How long answers that are on their way may take when a connection has to end. */
const PATIENCE_MS = 2_000;
/** Leaves that are remembered of one request. */
const MAX_LEAVES = 1_024;
const EARLY_BYTES = 1_048_576;

/**
 * One WebSocket of a client and one of the backend (relay-path 6.6). Every message of the client is a relay request, checked and charged
 * before the backend gets its payload. Every message of the backend is an answer to the latest request, and with it a relay: signed,
 * charged and stored before the client gets it.
 */
export class Bridge {
  readonly #given: Given;
  readonly #fromClient: Lane;
  readonly #fromBackend: Lane;
  readonly #prepaid = new Prepaid();
  readonly #session: SessionEnd;
  /** Messages of the backend from before the first request. */
  #early: Frame[] = [];
  #latest: Asked | undefined;
  /** Of the handshake. */
  #named: DecodedRelay | undefined;
  #phase: "open" | "ending" | "over" = "open";
  /** Why it ends, for the close. */
  #reason = SESSION_EXPIRED;
  #usedAt: number;
  #stopIdle: (() => void) | undefined;
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
    this.#usedAt = clock.monotonic();
    if (settings.idle_timeout > 0) this.#watchIdle(settings.idle_timeout);
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
        if (this.#phase === "ending" && this.#fromClient.isIdle && this.#prepaid.count === 0)
          this.#announce();
      }),
    );
  }

  #asked(frame: Frame): void {
    if (this.#phase !== "open") return;
    this.#used();
    const receivedAt = this.#given.clock.monotonic();
    // One that waits for its turn while a reload comes is served by what held when it came.
    const messages = this.#given.messages();
    const work = () => this.#request(frame, messages, receivedAt);
    this.#fromClient.add({ bytes: frame.data.length, work });
  }

  /** Through the steps, in the order of an eager relay. Gives what forwards it. */
  async #request(frame: Frame, messages: Messages, receivedAt: number): Promise<() => void> {
    const { work, service } = this.#given;
    const { steps } = messages;
    const progress = unread();
    messages.users.enter();
    work.begin();
    try {
      work.requireRoom();
      const relay = steps.decode(frame.data);
      progress.relay = relay;
      const admitted = steps.admit(relay);
      if (admitted.service.id !== service)
        throw new Reject("bad_request", "the connection is for another service");
      progress.service = service;
      progress.rpcType = admitted.rpcType;
      work.received(admitted, frame.data.length);
      const verified = await work.verified(relay, "eager", steps.verify);
      if (this.#phase === "over") throw new Reject("client_gone");
      const charge = await verified.meter();
      const asked: Asked = { messages, relay, admitted, verified, receivedAt, leaves: new Set() };
      return () => this.#forward(asked, charge, frame.isBinary);
    } catch (thrown) {
      const reject = toReject(thrown);
      work.refused(progress, reject);
      return () => this.#fail(reject);
    } finally {
      work.end();
      messages.users.leave();
    }
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
      this.#prepaid.add(charge, { sessionId: relay.header.sessionId, supplier: relay.supplier });
      this.#session.extend(relay);
    }
    backend.send({ data: relay.request.payload, isBinary });
    metrics.messages.inc({ service_id: service, direction: "to_backend" });
    for (const early of this.#early.splice(0)) this.#answered(early);
    // It may have begun before a reload.
    this.reloaded();
  }

  #answered(frame: Frame): void {
    const { metrics, service } = this.#given;
    if (this.#phase === "over") return;
    // An answer without payload cannot be hashed, so it is no relay (relay-path 6.6).
    if (frame.data.length === 0) metrics.dropped.inc({ service_id: service, reason: "empty" });
    else if (this.#latest === undefined) this.#keepEarly(frame);
    else if (!this.#session.isServed(this.#latest.verified)) {
      // Nobody would pay for it any more.
      metrics.dropped.inc({ service_id: service, reason: "session_over" });
      this.end();
    } else {
      this.#used();
      const asked = this.#latest;
      this.#fromBackend.add({ bytes: frame.data.length, work: () => this.#relay(asked, frame) });
    }
  }

  #keepEarly(frame: Frame): void {
    const { metrics, service, settings } = this.#given;
    const bytes = this.#early.reduce((sum, { data }) => sum + data.length, frame.data.length);
    if (this.#early.length >= settings.early_messages || bytes > EARLY_BYTES) {
      metrics.dropped.inc({ service_id: service, reason: "early" });
      return;
    }
    metrics.held.inc({ service_id: service });
    this.#early.push(frame);
  }

  /** One message of the backend, signed, charged and stored as an answer to the request. Gives what sends it. */
  async #relay(asked: Asked, { data, isBinary }: Frame): Promise<() => void> {
    const { work, clock } = this.#given;
    const { relay, verified, messages } = asked;
    const { steps, publishBeforeReply, users } = messages;
    const since = asked.leaves.size === 0 ? asked.receivedAt : clock.monotonic();
    users.enter();
    work.begin();
    try {
      const signed = steps.sign(relay, data);
      const frame = { data: signed.responseBytes, isBinary };
      // The same answer to the same request is the same leaf: it earns nothing, and costs nothing.
      if (this.#isKnown(asked, signed)) return () => this.#reply(asked, frame, since);
      const charge = this.#prepaid.take() ?? (await verified.meterFurther());
      const store = () => this.#publish(asked, signed, charge);
      if (!publishBeforeReply) {
        void this.#inWork(work.afterwards(relay, store));
        return () => this.#reply(asked, frame, since);
      }
      await store();
      return () => this.#reply(asked, frame, since);
    } catch (thrown) {
      const reject = toReject(thrown);
      work.refused({ service: asked.admitted.service.id, rpcType: asked.admitted.rpcType, relay }, reject);
      return () => this.#fail(reject);
    } finally {
      work.end();
      users.leave();
    }
  }

  /** Whoever drains this process waits for it. */
  async #inWork(ending: Promise<void>): Promise<void> {
    const { work } = this.#given;
    work.begin();
    await ending;
    work.end();
  }

  #isKnown({ leaves, admitted }: Asked, { relayHash }: AnsweredRelay): boolean {
    const leaf = toLatin1(relayHash);
    if (leaves.has(leaf)) {
      this.#given.metrics.repeated.inc({ service_id: admitted.service.id });
      return true;
    }
    const [oldest] = leaves;
    if (leaves.size >= MAX_LEAVES && oldest !== undefined) leaves.delete(oldest);
    leaves.add(leaf);
    return false;
  }

  async #publish({ relay, verified }: Asked, signed: AnsweredRelay, charge: Metered): Promise<void> {
    try {
      await verified.publish(signed, charge);
      this.#given.metrics.relays.inc({ service_id: relay.header.serviceId });
    } catch (thrown) {
      await charge.refund();
      throw thrown;
    }
  }

  #reply({ admitted }: Asked, frame: Frame, since: number): void {
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
    this.#stopIdle?.();
    this.#stopPatience?.();
    this.#early = [];
    void this.#inWork(this.#prepaid.refund());
    metrics.closes.inc({ service_id: service, code: codeLabel(code) });
    onEnd();
  }

  #used(): void {
    this.#usedAt = this.#given.clock.monotonic();
  }

  #watchIdle(idleMs: number): void {
    const { clock } = this.#given;
    const left = this.#usedAt + idleMs - clock.monotonic();
    this.#stopIdle = clock.after(Math.max(left, 1), () => {
      if (clock.monotonic() - this.#usedAt < idleMs) this.#watchIdle(idleMs);
      else this.#close(GOING_AWAY, "no message for too long");
    });
  }
}

/** Clients and backends choose codes from 3000 on as they like: no label for each. */
const codeLabel = (code: number): string =>
  code < 3000 || (code >= 4000 && code <= 4003) ? String(code) : "other";
