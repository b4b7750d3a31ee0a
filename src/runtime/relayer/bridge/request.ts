import { Reject, toReject } from "../rejects.ts";
import type { Admitted } from "../steps/admit.ts";
import type { DecodedRelay } from "../steps/decode.ts";
import type { Metered } from "../steps/meter.ts";
import { unread } from "../work.ts";
import type { Messages, MessageWork, VerifiedMessage } from "./messages.ts";

/** A request that goes to the backend, and what its answers need. */
export type Asked = {
  readonly messages: Messages;
  readonly relay: DecodedRelay;
  readonly admitted: Admitted;
  readonly verified: VerifiedMessage;
  readonly receivedAt: number;
  /** The leaves made of it, by relay hash: an answer with the same bytes makes no other. */
  readonly leaves: Set<string>;
};

/** A message of the client as it came. */
export type Received = {
  readonly bytes: Uint8Array;
  readonly messages: Messages;
  /** By the monotonic clock. */
  readonly at: number;
};

type Of = {
  readonly work: MessageWork;
  /** The connection's. */
  readonly service: string;
  /** Whether nobody waits for it any more. */
  readonly isOver: () => boolean;
};

/** A message through the steps, in the order of an eager relay. Gives why not, when it is refused; that is counted and logged then. */
export async function checkRequest(
  { bytes, messages, at }: Received,
  { work, service, isOver }: Of,
): Promise<{ readonly asked: Asked; readonly charge: Metered } | Reject> {
  const { steps } = messages;
  const progress = unread();
  messages.users.enter();
  work.begin();
  try {
    work.requireRoom();
    const relay = steps.decode(bytes);
    progress.relay = relay;
    const admitted = steps.admit(relay);
    if (admitted.service.id !== service)
      throw new Reject("bad_request", "the connection is for another service");
    progress.service = service;
    progress.rpcType = admitted.rpcType;
    work.received(admitted, bytes.length);
    const verified = await work.verified(relay, "eager", steps.verify);
    if (isOver()) throw new Reject("client_gone");
    const charge = await verified.meter();
    return { asked: { messages, relay, admitted, verified, receivedAt: at, leaves: new Set() }, charge };
  } catch (thrown) {
    const reject = toReject(thrown);
    work.refused(progress, reject);
    return reject;
  } finally {
    work.end();
    messages.users.leave();
  }
}
