import type { MessageSteps, MessageWork, VerifiedMessage } from "../bridge/messages.ts";
import { Reject } from "../rejects.ts";
import { goneSince } from "../steps/admit.ts";
import { type DecodedRelay, openedUnchecked, withPayload } from "../steps/decode.ts";
import type { Metered } from "../steps/meter.ts";
import { sign, signError } from "../steps/sign.ts";
import type { SimulatedRelays } from "./simulated.ts";

const TRANSPORT = "websocket";
const NOTHING: Metered = { refund: async () => undefined };
/** No block ends the session of a simulated relay. */
const NO_END = 2n ** 63n - 1n;

/**
 * The steps of messages whose connection names a key id (relay-path 8): each is admitted as a simulated relay is. In place of a charge it
 * has one of the places for simulated relays, until it is answered, the next one comes, or its connection ends.
 */
export function simulatedSteps({ given }: SimulatedRelays, keyId: string): MessageSteps {
  const { admission, services, keys, tally } = given;
  const whileChecked = async (check: () => Promise<void>): Promise<void> => {
    const leave = admission.enter();
    try {
      await check();
    } finally {
      leave();
    }
  };
  const verified = (relay: DecodedRelay): VerifiedMessage => ({
    lastHeight: NO_END,
    meter: async () => {
      const leave = admission.enter();
      return { refund: async () => leave() };
    },
    meterFurther: async () => NOTHING,
    publish: async (_, place) => {
      tally.served({ transport: TRANSPORT, relay });
      await place.refund();
      if (place !== NOTHING) await tally.probe(relay.header.serviceId);
    },
  });
  return {
    decode: (bytes) => withPayload(openedUnchecked(bytes)),
    decodeHandshake: openedUnchecked,
    admit: ({ header }) => {
      const service = services.get(header.serviceId);
      if (service === undefined) throw new Reject("unknown_service");
      return { service, rpcType: "websocket", declared: true };
    },
    verify: async (relay) => {
      await whileChecked(() => admission.require(relay, keyId));
      return verified(relay);
    },
    takeHandshake: async (relay) => {
      // It is no relay: max_rps is for those that it is followed by.
      await whileChecked(() => admission.requireOnce(relay, keyId));
      return () => undefined;
    },
    sign: (relay, payload) => sign(relay, payload, keys),
    signError: (relay, code, text) =>
      keys.has(relay.supplier) ? signError(relay, code, text, keys) : undefined,
    gone: (service, supplier) => goneSince(service, supplier, { services, keys }),
  };
}

/** The relays in work, where simulated ones count as any, and what is told of them, where they do not. */
export function simulatedWork({ given }: SimulatedRelays, work: MessageWork): MessageWork {
  const { tally, clock } = given;
  return {
    begin: () => work.begin(),
    end: () => work.end(),
    requireRoom: () => work.requireRoom(),
    received: () => undefined,
    verified: (relay, _, verify) => verify(relay),
    served: ({ service }, _, since) => tally.took(TRANSPORT, service.id, (clock.monotonic() - since) / 1000),
    refused: ({ relay }, reject) => tally.refused({ transport: TRANSPORT, ...(relay && { relay }) }, reject),
    afterwards: (_, act) => act(),
  };
}
