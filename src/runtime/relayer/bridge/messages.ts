import type { Clock } from "../../../base/clock.ts";
import type { AnsweredRelay } from "../../../chain/protocol/relay-answer.ts";
import type { WebSocketSettings } from "../../config/websocket.ts";
import type { Heights } from "../heights.ts";
import type { Reject } from "../rejects.ts";
import type { Admitted } from "../steps/admit.ts";
import type { DecodedRelay } from "../steps/decode.ts";
import type { Metered } from "../steps/meter.ts";
import type { Users } from "../users.ts";
import type { RelayWork } from "../work.ts";
import type { FrameRoom } from "./lane.ts";
import type { WebSocketMetrics } from "./metrics.ts";

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
